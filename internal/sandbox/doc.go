// Package sandbox runs a project's own program, such as its migrate command, so that it can do little beside its work: it writes in
// a copy of the files and in a temporary directory, reads installed programs and packages, and connects to one port of this machine.
//
// A branch's code runs in it before anybody has read that code. On Linux it cannot reach other processes, the home directory or the
// network. No privileges are needed: Landlock controls files and signals, and a filter asks this process about each connection. A
// kernel or a container may forbid a part of that; see [Sandbox.ListGaps]. On other systems nothing is confined.
package sandbox

import "strings"

// Access is what a program may use.
type Access struct {
	// Write and Read are files and directories. Installed programs and libraries may always be read.
	Write, Read []string
	// Packages are directories of installed packages. Files in them that may have passwords, by their names, are left out.
	Packages []string
	// Repository is the user's copy of a repository: no directory in it counts as one of installed programs. "" for none.
	Repository string
	// Port is the port of 127.0.0.1 to which it may connect; 0 for none. It may connect to its own servers, too.
	Port uint16
	// Mark is on all of its processes ([confine.MarkLimit]); 0 for any.
	Mark uint64
	// Require refuses to start it if it would be confined only in part.
	Require bool
	// Network lets it use the whole network.
	Network bool

	// For tests: a version of Landlock, 0 for the kernel's and -1 for none, a kernel without listeners, and a machine without namespaces.
	abi          int
	noListener   bool
	noNamespaces bool
}

// Bounds of a program, in bytes.
const (
	// MaxMemory bounds the memory of each process, and of all together if the caller watches it ([Footprint]).
	MaxMemory = 3 << 30
	// MaxDisk bounds each file, and all that a program writes if the caller watches it.
	MaxDisk = 4 << 30
)

// GapsError says that a program was not started because it would be confined only in part.
type GapsError struct{ Gaps []string }

// Error lists what is missing.
func (e *GapsError) Error() string {
	return "`sandbox: require` refuses this machine: " + strings.Join(e.Gaps, "; ")
}
