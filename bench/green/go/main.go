// The same clients in Go: a goroutine for each, over the usual drivers and their pools. GOMAXPROCS is the number of
// processors that it may run on.
package main

import (
	"database/sql"
	"fmt"
	"log"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gomodule/redigo/redis"
	_ "github.com/lib/pq"
)

// One question and its answer.
type ask func() error

func askPostgresql(host, port string, count int) ask {
	db, err := sql.Open("postgres", fmt.Sprintf("postgresql://gust@%s:%s/postgres?sslmode=disable", host, port))
	if err != nil {
		log.Fatal(err)
	}
	db.SetMaxOpenConns(count)
	db.SetMaxIdleConns(count)
	return func() error {
		var one int
		err := db.QueryRow("select 1").Scan(&one)
		if err == nil && one != 1 {
			err = fmt.Errorf("not 1: %d", one)
		}
		return err
	}
}

func askRedis(host, port string, count int) ask {
	pool := &redis.Pool{MaxIdle: count, MaxActive: count, Wait: true, Dial: func() (redis.Conn, error) {
		return redis.Dial("tcp", host+":"+port)
	}}
	return func() error {
		connection := pool.Get()
		defer connection.Close()
		value, err := redis.String(connection.Do("GET", "key"))
		if err == nil && value != "value" {
			err = fmt.Errorf("not the key's value: %s", value)
		}
		return err
	}
}

func cpu() time.Duration {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func run(one ask, count, seconds int) {
	var stop atomic.Bool
	var running sync.WaitGroup
	answered := make([]atomic.Uint64, count)
	for i := range answered {
		running.Add(1)
		go func(own *atomic.Uint64) {
			defer running.Done()
			for !stop.Load() {
				if err := one(); err != nil {
					log.Fatal(err)
				}
				own.Add(1)
			}
		}(&answered[i])
	}
	all := func() (sum uint64) {
		for i := range answered {
			sum += answered[i].Load()
		}
		return
	}
	for i := range answered { // until all connections are open
		for answered[i].Load() == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	time.Sleep(200 * time.Millisecond)
	before, used, began := all(), cpu(), time.Now()
	time.Sleep(time.Duration(seconds) * time.Second)
	after, usedThen, took := all(), cpu(), time.Since(began)
	stop.Store(true)
	running.Wait()
	fmt.Printf("answered %d in %d us, cpu %d ns\n", after-before, took.Microseconds(), (usedThen - used).Nanoseconds())
}

func main() {
	if len(os.Args) != 6 {
		log.Fatalf("usage: %s postgresql|redis HOST PORT COUNT SECONDS", os.Args[0])
	}
	host, port := os.Args[2], os.Args[3]
	count, _ := strconv.Atoi(os.Args[4])
	seconds, _ := strconv.Atoi(os.Args[5])
	if count < 1 || seconds < 1 {
		log.Fatal("COUNT and SECONDS begin at 1")
	}
	one := askPostgresql(host, port, count)
	if os.Args[1] == "redis" {
		one = askRedis(host, port, count)
	}
	run(one, count, seconds)
}
