package refusal

// Version is a major version of Postgres that notices whether it mattered: an
// answer that was given without a look at the version holds for all.
type Version struct {
	major int
	// asked has a bit for each version that AtLeast was asked about.
	asked uint64
}

// everyVersion are the bits of all versions.
const everyVersion = ^uint64(0)

// NewVersion returns a major version that AtLeast was not asked about yet.
func NewVersion(major int) *Version { return &Version{major: major} }

// AtLeast reports whether the server is of the given major version or newer.
func (v *Version) AtLeast(major int) bool {
	v.asked |= 1 << min(max(major, 0), 63)
	return v.major >= major
}

// MarkDecisive records that the answer depends on the version in a way that AtLeast was not asked about.
func (v *Version) MarkDecisive() { v.asked = everyVersion }

// WasConsulted reports whether AtLeast was asked.
func (v *Version) WasConsulted() bool { return v.asked != 0 }

// HoldsFor reports whether another major version gives the same answers to all that AtLeast was asked.
func (v *Version) HoldsFor(major int) bool {
	// They differ for the versions above the older one, up to the newer one.
	older, newer := min(v.major, major), max(v.major, major)
	return v.asked&(everyVersion<<min(older+1, 63))&(everyVersion>>max(63-newer, 0)) == 0
}

// Major returns the major version, for messages; it does not count as a question.
func (v *Version) Major() int { return v.major }
