#include "lockcalls.h"
int main(void){return 0;}
