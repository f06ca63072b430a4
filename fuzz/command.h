/* What the files of the target `command`, and the program's own in it, are compiled with. */
#ifndef FUZZ_COMMAND_H
#define FUZZ_COMMAND_H

/* The program's, which is not called: libFuzzer or fuzz/main.c has one. */
#define main dynsup_main
int main(int argc, char **argv);

/* Of parts that include a command's file, for what reads its options: the arguments of eval, tree
 * and top; of attach. */
void fuzz_ask(int argc, char **argv);
void fuzz_attach(int argc, char **argv);

#endif
