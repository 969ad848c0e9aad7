#include "http/date.h"

#include "http/characters.h"

#include <errno.h>

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char days[] = "SunMonTueWedThuFriSat";
static const struct gust__slice day_names[] = {{"Sunday", 6},    {"Monday", 6},   {"Tuesday", 7},
                                               {"Wednesday", 9}, {"Thursday", 8}, {"Friday", 6},
                                               {"Saturday", 8}};

struct date {
    int year, month, day; /* month from 1 */
    int hour, minute, second;
};

/* Days from 1970-01-01 in the Gregorian calendar. The year is taken to begin in March, so that the day that
 * comes and goes is its last; 400 years are 146097 days. */
static int64_t days_from_date(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static void date_from_days(int64_t count, struct date *date)
{
    count += 719468;
    int64_t era = (count >= 0 ? count : count - 146096) / 146097;
    int64_t day_of_era = count - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153; /* from March */
    date->day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
    date->month = (int)(month < 10 ? month + 3 : month - 9);
    date->year = (int)(year_of_era + era * 400 + (date->month <= 2));
}

static void put_number(char *text, int number, int digits)
{
    for (int i = digits - 1; i >= 0; i--, number /= 10)
        text[i] = (char)('0' + number % 10);
}

void gust__date_format(char text[GUST__DATE_SIZE], int64_t seconds)
{
    struct date date;
    seconds = seconds < GUST__DATE_MIN ? GUST__DATE_MIN : seconds > GUST__DATE_MAX ? GUST__DATE_MAX : seconds;
    int64_t day = (seconds >= 0 ? seconds : seconds - 86399) / 86400;
    int rest = (int)(seconds - day * 86400);
    int weekday = (int)((day % 7 + 11) % 7); /* 1970 began on a Thursday */
    date_from_days(day, &date);
    memcpy(text, "Sun, 00 Jan 0000 00:00:00 GMT", GUST__DATE_SIZE);
    memcpy(text, days + weekday * 3, 3);
    put_number(text + 5, date.day, 2);
    memcpy(text + 8, months + (date.month - 1) * 3, 3);
    put_number(text + 12, date.year, 4);
    put_number(text + 17, rest / 3600, 2);
    put_number(text + 20, rest / 60 % 60, 2);
    put_number(text + 23, rest % 60, 2);
}

/* The readers below take something from the front of text. -> false if it is not there */

static bool take(struct gust__slice *text, const char *literal)
{
    struct gust__slice expected = gust__slice_of(literal);
    if (!gust__slice_starts_with(*text, expected))
        return false;
    *text = gust__slice_from(*text, expected.size);
    return true;
}

static bool take_number(struct gust__slice *text, size_t digits, int *number)
{
    *number = 0;
    if (text->size < digits)
        return false;
    for (size_t i = 0; i < digits; i++) {
        if (!gust__is(text->data[i], GUST__IS_DIGIT))
            return false;
        *number = *number * 10 + (text->data[i] - '0');
    }
    *text = gust__slice_from(*text, digits);
    return true;
}

static bool take_month(struct gust__slice *text, int *month)
{
    for (*month = 1; *month <= 12 && text->size >= 3; ++*month) {
        if (memcmp(text->data, months + (*month - 1) * 3, 3) == 0) {
            *text = gust__slice_from(*text, 3);
            return true;
        }
    }
    return false;
}

static bool take_time(struct gust__slice *text, struct date *date)
{
    return take_number(text, 2, &date->hour) && take(text, ":") && take_number(text, 2, &date->minute) &&
           take(text, ":") && take_number(text, 2, &date->second);
}

/* "06 Nov 1994 08:49:37 GMT" */
static bool take_imf(struct gust__slice text, struct date *date)
{
    return take_number(&text, 2, &date->day) && take(&text, " ") && take_month(&text, &date->month) &&
           take(&text, " ") && take_number(&text, 4, &date->year) && take(&text, " ") &&
           take_time(&text, date) && take(&text, " GMT") && text.size == 0;
}

/* "06-Nov-94 08:49:37 GMT"; the year is left with two digits */
static bool take_rfc850(struct gust__slice text, struct date *date)
{
    return take_number(&text, 2, &date->day) && take(&text, "-") && take_month(&text, &date->month) &&
           take(&text, "-") && take_number(&text, 2, &date->year) && take(&text, " ") &&
           take_time(&text, date) && take(&text, " GMT") && text.size == 0;
}

/* "Nov  6 08:49:37 1994" */
static bool take_asctime(struct gust__slice text, struct date *date)
{
    if (!take_month(&text, &date->month) || !take(&text, " "))
        return false;
    size_t digits = take(&text, " ") ? 1 : 2;
    return take_number(&text, digits, &date->day) && take(&text, " ") && take_time(&text, date) &&
           take(&text, " ") && take_number(&text, 4, &date->year) && text.size == 0;
}

static int days_of_month(int year, int month)
{
    return (int)(days_from_date(month == 12 ? year + 1 : year, month % 12 + 1, 1) -
                 days_from_date(year, month, 1));
}

static bool is_date(const struct date *date)
{
    return date->year >= 1 && date->day >= 1 && date->day <= days_of_month(date->year, date->month) &&
           date->hour <= 23 && date->minute <= 59 && date->second <= 60;
}

static int64_t seconds_of(const struct date *date)
{
    int64_t day = days_from_date(date->year, date->month, date->day);
    return day * 86400 + date->hour * 3600 + date->minute * 60 + date->second;
}

/* The century that puts a date at most 50 years after now. */
static void choose_century(struct date *date, int64_t now)
{
    struct date latest;
    int64_t clamped = now < 0 ? 0 : now > GUST__DATE_MAX ? GUST__DATE_MAX : now;
    date_from_days(clamped / 86400, &latest);
    latest.hour = latest.minute = latest.second = 0;
    latest.year += 50;
    date->year += latest.year / 100 * 100;
    if (seconds_of(date) > seconds_of(&latest) + clamped % 86400)
        date->year -= 100;
}

static bool parse(struct gust__slice text, int64_t now, struct date *date)
{
    for (int i = 0; i < 7; i++) {
        struct gust__slice rest = text;
        if (take(&rest, day_names[i].data) && take(&rest, ", ") && take_rfc850(rest, date)) {
            choose_century(date, now);
            return true;
        }
    }
    for (int i = 0; i < 7; i++) {
        struct gust__slice rest = gust__slice_from(text, text.size >= 3 ? 3 : text.size);
        if (text.size >= 3 && memcmp(text.data, days + i * 3, 3) == 0)
            return take(&rest, ", ") ? take_imf(rest, date) : take(&rest, " ") && take_asctime(rest, date);
    }
    return false;
}

int gust__date_parse(struct gust__slice text, int64_t now, int64_t *seconds)
{
    struct date date = {0};
    if (!parse(text, now, &date) || !is_date(&date)) {
        errno = EINVAL;
        return -1;
    }
    *seconds = seconds_of(&date);
    return 0;
}
