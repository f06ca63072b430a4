/*
 * The watchdog of a host: a thread that sees slices that run too long and asks them to end.
 *
 * It belongs to one host's thread. Every look (slice_ns) it raises the tick and compares the count
 * of slices with that of the look before; when one slice has lasted for a whole look it sends
 * SIGURG to the host's thread, whose handler calls dynsup_host_preempt.
 */
#ifndef DSI_WATCHDOG_H
#define DSI_WATCHDOG_H

#include "dynsup.h"

typedef struct dsi_watchdog dsi_watchdog;

/* A watchdog that looks every slice_ns (> 0) and is parked at first; 0 or a negative errno. The
 * first one in the program installs the handler of SIGURG. */
int dsi_watchdog_new(uint64_t slice_ns, dsi_watchdog **dog_out);

/* Ends the thread. The last one in the program restores the former handler of SIGURG, unless ours
 * has been replaced meanwhile. dog may be NULL. Not between begin and end. */
void dsi_watchdog_free(dsi_watchdog *dog);

/* The counter for dynsup_port.tick, raised at every look; it does not change while the watchdog is
 * parked. It is stored atomically: read it by __atomic_load_n. */
const volatile uint32_t *dsi_watchdog_tick(const dsi_watchdog *dog);

/* Says which host is watched. Once, before begin. The host needs to exist from begin to end only.
 */
void dsi_watchdog_attach(dsi_watchdog *dog, dynsup_host *host);

/* The calling thread is the host's from begin to end; these pairs may be nested with those of other
 * watchdogs. SIGURG is unblocked in between. After end no signal is sent to the thread, and the
 * host is not read. */
void dsi_watchdog_begin(dsi_watchdog *dog);
void dsi_watchdog_end(dsi_watchdog *dog);

/* Between begin and end, around each step of the host; they take no lock and make no system call
 * unless the watchdog is parked. leave returns for how long a slice was stuck that did not react to
 * three signals (once for each such slice), or 0. */
void dsi_watchdog_enter(dsi_watchdog *dog);
uint64_t dsi_watchdog_leave(dsi_watchdog *dog);

#endif
