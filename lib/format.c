/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/format.h"

struct output {
    char *buffer;
    size_t size;
    size_t used;
};

struct conversion {
    bool left;
    bool zero;
    unsigned int width;
    unsigned int precision;
    bool precision_given;
    bool wide; /* the argument has 64 bits */
};

static void put(struct output *out, char c)
{
    if (out->used + 1 < out->size)
        out->buffer[out->used++] = c;
}

static void put_padded(struct output *out, const struct conversion *conversion, const char *text,
                       size_t length)
{
    size_t padding = conversion->width > length ? conversion->width - length : 0;
    char fill = conversion->zero && !conversion->left ? '0' : ' ';

    if (!conversion->left) {
        for (size_t i = 0; i < padding; i++)
            put(out, fill);
    }
    for (size_t i = 0; i < length; i++)
        put(out, text[i]);
    if (conversion->left) {
        for (size_t i = 0; i < padding; i++)
            put(out, ' ');
    }
}

static void put_number(struct output *out, const struct conversion *conversion, uint64_t value,
                       bool negative, unsigned int base)
{
    char digits[24];
    size_t first = sizeof(digits);

    do {
        digits[--first] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    if (negative)
        digits[--first] = '-';
    put_padded(out, conversion, digits + first, sizeof(digits) - first);
}

static void put_string(struct output *out, const struct conversion *conversion, const char *text)
{
    size_t length = 0;

    if (text == NULL)
        text = "(none)";
    while ((!conversion->precision_given || length < conversion->precision) && text[length] != '\0')
        length++;
    put_padded(out, conversion, text, length);
}

static unsigned int parse_number(const char **text)
{
    unsigned int number = 0;

    while (**text >= '0' && **text <= '9')
        number = number * 10 + (unsigned int)(*(*text)++ - '0');
    return number;
}

static struct conversion parse_conversion(const char **text)
{
    struct conversion conversion = { 0 };

    for (; **text == '-' || **text == '0'; (*text)++) {
        if (**text == '-')
            conversion.left = true;
        else
            conversion.zero = true;
    }
    conversion.width = parse_number(text);
    if (**text == '.') {
        (*text)++;
        conversion.precision_given = true;
        conversion.precision = parse_number(text);
    }
    for (; **text == 'l' || **text == 'z'; (*text)++)
        conversion.wide = true;
    return conversion;
}

static void put_signed(struct output *out, const struct conversion *conversion, int64_t value)
{
    uint64_t magnitude = value < 0 ? (uint64_t)0 - (uint64_t)value : (uint64_t)value;

    put_number(out, conversion, magnitude, value < 0, 10);
}

size_t format_list(char *buffer, size_t size, const char *text, va_list arguments)
{
    struct output out = { .buffer = buffer, .size = size, .used = 0 };

    while (*text != '\0') {
        if (*text != '%') {
            put(&out, *text++);
            continue;
        }
        text++;
        struct conversion conversion = parse_conversion(&text);

        switch (*text) {
        case 'c':
            put(&out, (char)va_arg(arguments, int));
            break;
        case 's':
            put_string(&out, &conversion, va_arg(arguments, const char *));
            break;
        case 'd':
            put_signed(&out, &conversion,
                       conversion.wide ? va_arg(arguments, int64_t) : va_arg(arguments, int));
            break;
        case 'u':
        case 'x':
            put_number(&out, &conversion,
                       conversion.wide ? va_arg(arguments, uint64_t)
                                       : va_arg(arguments, unsigned int),
                       false, *text == 'x' ? 16 : 10);
            break;
        case '\0':
            text--;
            break;
        default:
            put(&out, *text);
            break;
        }
        text++;
    }
    if (size > 0)
        buffer[out.used] = '\0';
    return out.used;
}

size_t format(char *buffer, size_t size, const char *text, ...)
{
    va_list arguments;
    size_t used;

    va_start(arguments, text);
    used = format_list(buffer, size, text, arguments);
    va_end(arguments);
    return used;
}
