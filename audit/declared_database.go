package audit

import (
	"cmp"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// declaredDatabase is what a project's own files say about the database of a source.
type declaredDatabase struct {
	variable string // the environment variable with its address
	name     string // the database and the schema of the address
	// addresses are those in compose files and Atlas projects.
	addresses []fileAddress
}

// settingFiles are the files with the addresses that a checkout begins with.
var settingFiles = []string{".env", ".env.example", ".env.sample", ".env.template", ".env.dist", "env.example", "example.env"}

// envAddress matches a variable with an address of Postgres, in a file of variables.
var envAddress = lazyregexp.New(`(?m)^\s*(?:export\s+)?(\w+)\s*=\s*["']?(postgres(?:ql)?://[^\s"']+)`)

// readDeclaredDatabases reads what the head says about the databases of sources.
func readDeclaredDatabases(t adapter.Tree, pairs []pair) []declaredDatabase {
	if len(pairs) < 2 {
		return make([]declaredDatabase, len(pairs))
	}
	files := map[string][]string{} // by directory
	for _, p := range t.Paths() {
		if slices.Contains(settingFiles, path.Base(p)) {
			dir := strings.TrimSuffix(strings.TrimSuffix(p, path.Base(p)), "/")
			files[dir] = append(files[dir], p)
		}
	}
	out := make([]declaredDatabase, len(pairs))
	atlas, variables := readAtlasAddresses(t, pairs), make([]string, len(pairs))
	for i, p := range pairs {
		variables[i] = cmp.Or(all.FindVariable(t, p.source), findAtlasVariable(atlas[i]))
	}
	composed := readComposeAddresses(t, pairs, variables)
	for i, p := range pairs {
		out[i].variable, out[i].addresses = variables[i], append(atlas[i], composed[i]...)
		for dir := p.source.Dir; out[i].name == ""; dir = dir[:max(0, strings.LastIndexByte(dir, '/'))] {
			out[i].name = readDatabaseName(t, files[dir], out[i].variable)
			if dir == "" {
				break
			}
		}
	}
	return out
}

// readDatabaseName returns the database that a variable names in files; the only one that they name if the variable is not known.
func readDatabaseName(t adapter.Tree, files []string, variable string) string {
	found := ""
	for _, file := range files {
		text, err := t.Read(file)
		if err != nil {
			continue
		}
		for _, m := range envAddress.FindAllStringSubmatch(string(text), -1) {
			name := databaseOfAddress(m[2])
			if name == "" || variable != "" && m[1] != variable {
				continue
			}
			if found != "" && found != name {
				return ""
			}
			found = name
		}
	}
	return found
}

// databaseOfAddress returns the database and the schema of an address; "" if a variable is in its place.
func databaseOfAddress(address string) string {
	u, err := url.Parse(address)
	if err != nil || strings.ContainsAny(u.Path, "$<{") || strings.Trim(u.Path, "/") == "" {
		return ""
	}
	return strings.Trim(u.Path, "/") + " " + u.Query().Get("schema")
}

// isOtherDatabase reports whether two sources have different databases by what their projects say. Addresses are compared if both are known, else the
// variables that have them.
func (d declaredDatabase) isOtherDatabase(o declaredDatabase) bool {
	if different, equal := compareAddresses(d.addresses, o.addresses); different || equal {
		return different
	}
	if d.name != "" && o.name != "" {
		return d.name != o.name
	}
	return d.variable != "" && o.variable != "" && d.variable != o.variable
}

// isSameDatabase reports whether two sources surely share a database.
func (d declaredDatabase) isSameDatabase(o declaredDatabase) bool {
	_, equal := compareAddresses(d.addresses, o.addresses)
	return equal
}
