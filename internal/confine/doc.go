// Package confine restricts threads of this process, and so the programs that they start: which files these may use (Landlock),
// and which system calls (seccomp). No privileges are needed. Other systems than Linux have nothing like it.
package confine
