// The page of bench/templates.c by kainjow's Mustache.
#include <kainjow/mustache.hpp>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

namespace mustache = kainjow::mustache;

struct row {
    int id;
    std::string message;
};

static std::vector<row> rows;
// Made when first used: its own constants may be made later than ours.
static mustache::mustache &page()
{
    static mustache::mustache made{"<!DOCTYPE html>\n<html>\n<head><title>Fortunes</title></head>\n<body>\n<table>\n"
                                   "<tr><th>id</th><th>message</th></tr>\n"
                                   "{{#fortunes}}<tr><td>{{id}}</td><td>{{message}}</td></tr>\n{{/fortunes}}"
                                   "</table>\n</body>\n</html>\n"};
    return made;
}

static mustache::data make_values()
{
    std::vector<row> all{rows};
    all.push_back({0, "Additional fortune added at request time."});
    std::sort(all.begin(), all.end(), [](const row &a, const row &b) { return a.message < b.message; });
    mustache::data fortunes{mustache::data::type::list};
    for (const row &one : all) {
        mustache::data fortune;
        fortune.set("id", std::to_string(one.id));
        fortune.set("message", one.message);
        fortunes.push_back(std::move(fortune));
    }
    mustache::data values;
    values.set("fortunes", std::move(fortunes));
    return values;
}

template <class F> static double measure(F function)
{
    double best = 1e9;
    for (int round = 0; round < 7; round++) {
        std::clock_t start = std::clock();
        for (int i = 0; i < 5000; i++)
            function();
        best = std::min(best, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC * 1e9 / 5000);
    }
    return best;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    std::ifstream file{argv[1]};
    for (std::string line; std::getline(file, line);)
        rows.push_back({static_cast<int>(rows.size()) + 1, line});
    const mustache::data values = make_values();
    if (argc > 2) {
        std::cout << page().render(values);
        return 0;
    }
    std::printf("render %.0f ns\n", measure([&] { return page().render(values).size(); }));
    std::printf("page %.0f ns\n", measure([] { return page().render(make_values()).size(); }));
}
