package onward

// The major versions of Postgres that this release knows: OldestMajor, PreviewMajor, and all between them.
const (
	OldestMajor = 13
	// NewestMajor is the newest version with downloads. A project that names no version is judged on OldestMajor to NewestMajor.
	NewestMajor = 18
	// PreviewMajor is the newest version on which the proofs and the live commands have run. A project may name it.
	PreviewMajor = 19
)

// Throughput is how fast a server works, in bytes a second.
type Throughput struct {
	Read, Write int64
	// Rows is how many rows a backfill changes in a second, pauses included; 0 if it was not measured.
	Rows int64
}
