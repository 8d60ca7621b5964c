package audit

import (
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/configfile"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// readAtlasAddresses returns the addresses of a source's database in the Atlas projects of a tree: one for each env block that has its
// directory. The scratch database (dev) says nothing.
func readAtlasAddresses(t adapter.Tree, pairs []pair) [][]fileAddress {
	out := make([][]fileAddress, len(pairs))
	for _, file := range t.Paths() {
		if path.Base(file) != "atlas.hcl" {
			continue
		}
		text, err := t.Read(file)
		if err != nil {
			continue
		}
		settings, err := configfile.ReadHCL(string(text))
		if err != nil {
			continue
		}
		for _, e := range readAtlasEnvironments(settings) {
			dir, isFile := strings.CutPrefix(e.dir, "file://")
			if !isFile || e.url == "" {
				continue
			}
			dir, _, _ = strings.Cut(dir, "?")
			dir = path.Join(path.Dir(file), dir)
			for i, p := range pairs {
				if slices.Contains(p.source.Dirs(), dir) {
					out[i] = append(out[i], e.parseAddress(file))
				}
			}
		}
	}
	return out
}

// atlasEnvironment is an env block of an Atlas project.
type atlasEnvironment struct{ name, url, dir string }

// readAtlasEnvironments returns the env blocks of a project.
func readAtlasEnvironments(settings []configfile.Setting) []atlasEnvironment {
	byName := map[string]*atlasEnvironment{}
	var names []string
	for _, s := range settings {
		if s.Section != "env" && !strings.HasPrefix(s.Section, "env.") || len(s.Values) != 1 {
			continue
		}
		e := byName[s.Labels]
		if e == nil {
			e = &atlasEnvironment{name: s.Labels}
			byName[s.Labels], names = e, append(names, s.Labels)
		}
		switch s.Section + " " + s.Key {
		case "env url":
			e.url = s.Values[0]
		case "env.migration dir":
			e.dir = s.Values[0]
		}
	}
	var out []atlasEnvironment
	for _, name := range names {
		out = append(out, *byName[name])
	}
	return out
}

// parseAddress returns the address of a block. An expression that is no literal is compared by its text.
func (e atlasEnvironment) parseAddress(file string) fileAddress {
	if !addressText.MatchString(e.url) || strings.Contains(e.url, "${") {
		return fileAddress{file: file, isAtlas: true, environment: e.name, name: e.url, variables: e.url}
	}
	host, port, name, schema := splitAddress(e.url)
	a := fileAddress{file: file, isAtlas: true, environment: e.name, name: name + " " + schema, host: host + ":" + port, known: true}
	a.server = a.host
	return a
}

var environmentCall = lazyregexp.New(`^(?:"\$\{)?\s*getenv\(\s*"(\w+)"\s*\)\s*(?:\}")?$`)

// findAtlasVariable returns the environment variable that all addresses are; "" if they are something else.
func findAtlasVariable(addresses []fileAddress) string {
	found := ""
	for _, a := range addresses {
		m := environmentCall.FindStringSubmatch(a.variables)
		if m == nil || found != "" && found != m[1] {
			return ""
		}
		found = m[1]
	}
	return found
}
