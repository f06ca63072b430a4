/* A log that is read line by line, and perhaps followed as it grows. */
#ifndef SOURCE_H
#define SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { SOURCE_LONGEST = 65536 }; /* a longer line comes in pieces */

typedef struct source {
    const char *path; /* NULL: standard input */
    int fd;
    bool follows;
    bool may_read; /* standard input: set when poll says that a read will not block */
    bool has_ended;
    int error; /* an errno: it could not be read to its end; 0 */
    char buffer[SOURCE_LONGEST];
    size_t begin, end; /* of what has been read and not been handed out */
    size_t last;       /* where the line begins that was handed out last */
} source;

/* Opens the file; "-" is standard input. False: errno says why. */
bool source_open(source *s, const char *path, bool follows);
void source_close(source *s);

/* The next line without its end, borrowed until the next call; NULL: there is none at present.
 * Reads standard input once at most after may_read was set, so it never blocks. */
const char *source_line(source *s, size_t *size_out);

/* The line that was handed out last comes again. */
void source_unread(source *s);

/* No line will come any more. */
bool source_is_over(const source *s);

#endif
