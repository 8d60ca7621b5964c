package configfile

import (
	"cmp"
	"slices"
	"strings"
)

// Dependency is a crate that a Cargo.toml depends on.
type Dependency struct {
	// Name is the crate's name, also if the project uses another one.
	Name string
	// Version is as written, "" if the workspace sets it.
	Version  string
	Features []string
}

// ReadDependencies returns the dependencies in a Cargo.toml, also of tests, of builds, of the workspace, and of
// only some systems. The same crate may be there several times.
func ReadDependencies(cargo string) []Dependency {
	list, _ := ReadTOML(cargo) // Cargo refuses a file with an error; what precedes it is the best guess
	var out []Dependency
	index := map[string]int{} // by section and key
	for _, s := range list {
		section, name, key := s.Section, s.Key, "version"
		if !isDependencySection(section) { // a table of its own: the name is the section's end
			i := strings.LastIndexByte(section, '.')
			if i < 0 || !isDependencySection(section[:i]) {
				continue
			}
			section, name, key = section[:i], section[i+1:], s.Key
		}
		id := section + "." + name
		i, known := index[id]
		if !known {
			i, index[id] = len(out), len(out)
			out = append(out, Dependency{Name: name})
		}
		switch d := &out[i]; {
		case key == "version" && len(s.Values) == 1:
			d.Version = cmp.Or(d.Version, s.Values[0])
		case key == "features":
			d.Features = append(d.Features, s.Values...)
		case key == "package" && len(s.Values) == 1:
			d.Name = s.Values[0]
		}
	}
	return out
}

// isDependencySection reports whether the keys of a section are crates.
func isDependencySection(section string) bool {
	return slices.Contains([]string{"dependencies", "dev-dependencies", "build-dependencies"}, section[strings.LastIndexByte(section, '.')+1:])
}
