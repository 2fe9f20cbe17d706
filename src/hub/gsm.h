/* Texts as SMS. */
#ifndef HUB_GSM_H
#define HUB_GSM_H

#include "base/slice.h"

/* Does the text fit the GSM alphabet, and in how many parts does it go? */
bool gsm_fits(struct slice utf8);
int gsm_parts(struct slice utf8);

#endif
