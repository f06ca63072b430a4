/* What fuzz/memory/preload.c offers to programs that run with it. */
#ifndef FUZZ_MEMORY_PRELOAD_H
#define FUZZ_MEMORY_PRELOAD_H

/* From now on requests for memory are counted from 1, and the at-th fails, and those after it until
 * there were that many failures; failures 0: all after it. at 0: none fails. With a place
 * (places.h) it is not the at-th but the first that is made there. */
void memory_fault_begin(long at, long failures, unsigned long long place);

/* None fails any more. Returns how many requests there were, and how many of them have failed. */
long memory_fault_end(long *refused_out);

#endif
