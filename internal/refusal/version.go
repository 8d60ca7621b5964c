package refusal

// Version is a major version of Postgres that notices whether it mattered: an
// answer that was given without a look at the version holds for all.
type Version struct {
	major     int
	consulted bool
}

// NewVersion is the given major version, not yet consulted.
func NewVersion(major int) *Version { return &Version{major: major} }

// AtLeast reports whether the server is of the given major version or newer.
func (v *Version) AtLeast(major int) bool {
	v.consulted = true
	return v.major >= major
}

// WasConsulted reports whether AtLeast was asked.
func (v *Version) WasConsulted() bool { return v.consulted }

// Major is the major version, for messages; it does not count as a question.
func (v *Version) Major() int { return v.major }
