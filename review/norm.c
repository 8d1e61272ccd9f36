#include "review/rule.h"
void norm_read(struct rules *r) { (void)r; }
