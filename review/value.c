#include "review/rule.h"
void value_read(struct rules *r) { (void)r; }
