#define noinline __attribute__((noinline, noipa))
#define __init __attribute__((section(".init.text")))
#define __exit __attribute__((section(".exit.text")))

extern int sink;
int opaque(int n);
void never_returns(void) __attribute__((noreturn));
