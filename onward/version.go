package onward

// OldestMajor and NewestMajor are the major versions of Postgres that this
// release knows, and all between them.
const (
	OldestMajor = 13
	NewestMajor = 18
)

// Throughput is how fast a server works, in bytes a second.
type Throughput struct {
	Read, Write int64
	// Rows is how many rows a backfill changes in a second, pauses included; 0 if it was not measured.
	Rows int64
}
