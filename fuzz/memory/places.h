/* Writes down at which places a process asks for memory. */
#ifndef FUZZ_MEMORY_PLACES_H
#define FUZZ_MEMORY_PLACES_H

/* Once for each process, before the other: path names the file that gets the places, and is made if
 * it is not there. */
void places_open(const char *path);

/* Request n is made now: if its place is new in this process, a line "N PLACE" is added to the
 * file. Without a file nothing happens. Any thread may call it. It asks for memory itself, which
 * must not be counted. */
void places_note(long n);

/* The place at which a request is made now, never 0. The same holds of it. */
unsigned long long places_here(void);

#endif
