/*
 * Records: lines of the log made of fields, as logfmt, as JSON, or as text for people.
 *
 * Nothing here allocates, blocks or fails. A record is always one whole line (text: with more
 * lines, indented), even when it had to be cut: a cut value ends in three dots, and a field "cut"
 * says that fields were cut or left out.
 */
#ifndef DYNSUP_RECORD_H
#define DYNSUP_RECORD_H

#include "dynsup.h"

DYNSUP_DECLARATIONS_BEGIN

enum dynsup_format {
    DYNSUP_FORMAT_TEXT,   /* the message, then the fields as in logfmt */
    DYNSUP_FORMAT_LOGFMT, /* key=value key="a value", quoted where it is needed */
    DYNSUP_FORMAT_JSON    /* one object */
};

typedef struct dynsup_record {
    enum dynsup_format format;
    char *text; /* the caller's buffer, 0-terminated after every step */
    size_t size;
    size_t length;
    bool cut;
} dynsup_record;

/* size is at least 64. */
void dynsup_record_begin(dynsup_record *record, enum dynsup_format format, char *text, size_t size);

/* The message; the structured formats give it a key. Takes at most half of the record's space. */
void dynsup_record_message(dynsup_record *record, const char *text, size_t size);

/*
 * One more field: a text of any bytes, a string that ends in a zero byte, an integer, a number, a
 * boolean, or the id of a process, monitor or timer. In a key, characters that would need quotes
 * become '_'. In values control characters, quotes and backslashes are escaped as in JSON, and each
 * byte that is not part of valid UTF-8 becomes U+FFFD. A number that JSON cannot express becomes a
 * string: "nan", "inf", "-inf".
 */
void dynsup_record_text(dynsup_record *record, const char *key, const char *text, size_t size);
void dynsup_record_string(dynsup_record *record, const char *key, const char *string);
void dynsup_record_integer(dynsup_record *record, const char *key, int64_t value);
void dynsup_record_number(dynsup_record *record, const char *key, double value);
void dynsup_record_boolean(dynsup_record *record, const char *key, bool value);
void dynsup_record_id(dynsup_record *record, const char *key, uint64_t id);

/* Ends it; returns its length. There is no final newline. */
size_t dynsup_record_end(dynsup_record *record);

/* Writes a wall clock time, in ns since 1970, as RFC 3339 in UTC with milliseconds. */
enum { DYNSUP_TIME_SIZE = 32 };
void dynsup_time_format(int64_t unix_ns, char text[DYNSUP_TIME_SIZE]);

DYNSUP_DECLARATIONS_END

#endif
