/* The overlay: the tree of supervisors and workers as it is now, and what scripts use of a frame.
 */
#ifndef OVERLAY_H
#define OVERLAY_H

#include "scripts.h"

void overlay_draw(scripts *s, window *w);

#endif
