// The page of bench/templates.c by Go's html/template.
package main

import (
	"bytes"
	"fmt"
	"html/template"
	"os"
	"sort"
	"strings"
	"syscall"
)

type row struct {
	ID      int
	Message string
}

const page = `<!DOCTYPE html>
<html>
<head><title>Fortunes</title></head>
<body>
<table>
<tr><th>id</th><th>message</th></tr>
{{range .}}<tr><td>{{.ID}}</td><td>{{.Message}}</td></tr>
{{end}}</table>
</body>
</html>
`

var (
	rows     []row
	fortunes = template.Must(template.New("fortunes").Parse(page))
)

func makeValues() []row {
	all := append(make([]row, 0, len(rows)+1), rows...)
	all = append(all, row{0, "Additional fortune added at request time."})
	sort.Slice(all, func(i, j int) bool { return all[i].Message < all[j].Message })
	return all
}

func render(values []row) []byte {
	var to bytes.Buffer
	if err := fortunes.Execute(&to, values); err != nil {
		panic(err)
	}
	return to.Bytes()
}

// Of the processor: of all threads, the garbage collector's too.
func now() float64 {
	var used syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return float64(used.Utime.Nano() + used.Stime.Nano())
}

func measure(function func()) float64 {
	best := 1e9
	for round := 0; round < 7; round++ {
		start := now()
		for i := 0; i < 5000; i++ {
			function()
		}
		if each := (now() - start) / 5000; each < best {
			best = each
		}
	}
	return best
}

func main() {
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	for i, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		rows = append(rows, row{i + 1, line})
	}
	values := makeValues()
	if len(os.Args) > 2 {
		os.Stdout.Write(render(values))
		return
	}
	fmt.Printf("render %.0f ns\n", measure(func() { render(values) }))
	fmt.Printf("page %.0f ns\n", measure(func() { render(makeValues()) }))
}
