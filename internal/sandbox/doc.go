// Package sandbox runs a project's own program, such as its migrate command, so that it can do little beside its work: it writes in
// a copy of the files and in a temporary directory, reads installed programs and packages, and connects to one port of this machine.
//
// A branch's code runs in it before anybody has read that code. On Linux it cannot reach other processes, the home directory or the
// network. No privileges are needed: Landlock controls files and signals, and a filter asks this process about each connection. A
// kernel or a container may forbid a part of that; see [Sandbox.ListGaps]. On other systems nothing is confined.
package sandbox

// Access is what a program may use.
type Access struct {
	// Write and Read are files and directories. Installed programs and libraries may always be read.
	Write, Read []string
	// Port is the port of this machine to which it may connect; 0 for none. It may connect to its own servers, too.
	Port uint16
	// Network lets it use the whole network.
	Network bool

	// For tests: a version of Landlock, 0 for the kernel's, and a kernel without listeners.
	abi        int
	noListener bool
}
