/* Plural rules: the C expressions of gettext's catalogues, evaluated as they are read. */
#include "web/catalog.h"

#include <errno.h>

enum { MOST_LEVELS = 64 };

struct rule {
    const char *at;
    uint64_t n;
    unsigned level;
    bool wrong;
};

static uint64_t choice(struct rule *rule);

static bool take(struct rule *rule, const char *text)
{
    while (*rule->at == ' ' || *rule->at == '\t')
        rule->at++;
    size_t size = strlen(text);
    if (strncmp(rule->at, text, size) != 0)
        return false;
    rule->at += size;
    return true;
}

static uint64_t number(struct rule *rule)
{
    uint64_t value = 0;
    if (*rule->at < '0' || *rule->at > '9')
        rule->wrong = true;
    while (*rule->at >= '0' && *rule->at <= '9')
        value = value * 10 + (uint64_t)(*rule->at++ - '0');
    return value;
}

static uint64_t unary(struct rule *rule)
{
    uint64_t value;
    if (++rule->level > MOST_LEVELS) {
        rule->wrong = true;
        return 0;
    }
    if (take(rule, "!"))
        value = !unary(rule);
    else if (take(rule, "(")) {
        value = choice(rule);
        rule->wrong |= !take(rule, ")");
    } else
        value = take(rule, "n") ? rule->n : number(rule);
    rule->level--;
    return value;
}

static uint64_t product(struct rule *rule)
{
    uint64_t value = unary(rule);
    for (;;) {
        char sign = take(rule, "*") ? '*' : take(rule, "/") ? '/' : take(rule, "%") ? '%' : 0;
        if (!sign)
            return value;
        uint64_t by = unary(rule);
        if (sign == '*')
            value *= by;
        else if (by == 0) /* undefined in C; msgfmt warns of it */
            value = 0;
        else
            value = sign == '/' ? value / by : value % by;
    }
}

static uint64_t sum(struct rule *rule)
{
    uint64_t value = product(rule);
    for (;;) {
        if (take(rule, "+"))
            value += product(rule);
        else if (take(rule, "-"))
            value -= product(rule);
        else
            return value;
    }
}

static uint64_t order(struct rule *rule)
{
    uint64_t value = sum(rule);
    for (;;) {
        if (take(rule, "<="))
            value = value <= sum(rule);
        else if (take(rule, ">="))
            value = value >= sum(rule);
        else if (take(rule, "<"))
            value = value < sum(rule);
        else if (take(rule, ">"))
            value = value > sum(rule);
        else
            return value;
    }
}

static uint64_t equality(struct rule *rule)
{
    uint64_t value = order(rule);
    for (;;) {
        if (take(rule, "=="))
            value = value == order(rule);
        else if (take(rule, "!="))
            value = value != order(rule);
        else
            return value;
    }
}

static uint64_t both(struct rule *rule)
{
    uint64_t value = equality(rule);
    while (take(rule, "&&"))
        value = (equality(rule) != 0) & (value != 0);
    return value;
}

static uint64_t either(struct rule *rule)
{
    uint64_t value = both(rule);
    while (take(rule, "||"))
        value = (both(rule) != 0) | (value != 0);
    return value;
}

static uint64_t choice(struct rule *rule)
{
    uint64_t condition = either(rule);
    if (!take(rule, "?"))
        return condition;
    if (++rule->level > MOST_LEVELS) {
        rule->wrong = true;
        return 0;
    }
    uint64_t first = choice(rule);
    rule->wrong |= !take(rule, ":");
    uint64_t second = choice(rule);
    rule->level--;
    return condition ? first : second;
}

int gust__plural_form(const char *text, uint64_t n, uint64_t *form)
{
    struct rule rule = {.at = text, .n = n};
    *form = choice(&rule);
    take(&rule, "");
    if (!rule.wrong && *rule.at == 0)
        return 0;
    errno = EINVAL;
    return -1;
}
