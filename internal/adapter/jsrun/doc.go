// Package jsrun runs migrations that are programs in JavaScript or TypeScript, and records the calls that their
// function "up" makes with its tool's object.
//
// Programs come from strangers. They run in an interpreter without any object of its host, in a child process of this
// program that may open no file and no connection ([RunChild]). The child has limits of memory and time, and gets the
// files of the revision from its parent. Packages and Node's own modules are stubs: what they return is not known. A
// condition on such a value is tried both ways.
package jsrun
