package rails

import (
	"path"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/rubycode"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

var (
	// dumpVersion matches the version in db/schema.rb.
	dumpVersion = lazyregexp.New(`\bSchema(?:\[[\d.]+\])?\.define\(\s*version:\s*(\d[\d_]*)`)
	// dumped matches a version in db/structure.sql.
	dumped = lazyregexp.New(`(?m)^\('(\d+)'\)[,;]?\s*$`)
)

// listDumpFiles returns the files to which Rails dumps the schema of the database of a directory: db/migrate and db/primary_migrate belong to
// db/schema.rb or db/structure.sql, db/queue_migrate to db/queue_schema.rb.
func listDumpFiles(dir string) []string {
	prefix := strings.TrimSuffix(path.Base(dir), "migrate")
	if prefix == "primary_" {
		prefix = ""
	}
	parent := path.Dir(dir)
	return []string{path.Join(parent, prefix+"structure.sql"), path.Join(parent, prefix+"schema.rb")}
}

// readSnapshot reads the dump of the schema; nil if there is none.
func readSnapshot(t adapter.Tree, s adapter.Source) *adapter.Snapshot {
	for _, name := range listDumpFiles(s.Dir) {
		if !adapter.HasFile(t, name) {
			continue
		}
		f := adapter.ReadFile(t, name)
		m := f.Start(s, name, "")
		m.Runner.Tool = tool
		if f.Failed != "" {
			continue
		}
		out := &adapter.Snapshot{Migration: m}
		if path.Ext(name) == ".sql" {
			out.Includes = readDumpedVersions(f.Text)
			m.Source.Psql = true
			m.Source.Parts = append(m.Source.Parts, adapter.TrimmedPart(f.Text, 0, len(f.Text)))
		} else if !readSchemaDump(t, s, m, out) {
			continue
		}
		m.Seal(onward.TransactionNone, s.Options, "")
		if out.Includes != nil {
			return out
		}
	}
	return nil
}

// readDumpedVersions returns what structure.sql includes; nil if it lists no versions.
func readDumpedVersions(text string) func(m *adapter.Migration) bool {
	start := strings.LastIndex(text, "schema_migrations")
	if start < 0 {
		return nil
	}
	versions := map[string]bool{}
	for _, found := range dumped.FindAllStringSubmatch(text[start:], -1) {
		versions[trimVersion(found[1])] = true
	}
	if len(versions) == 0 {
		return nil
	}
	return func(m *adapter.Migration) bool { return versions[m.Version] }
}

// readSchemaDump reads db/schema.rb. ok is false if it is not read.
func readSchemaDump(t adapter.Tree, s adapter.Source, m *adapter.Migration, out *adapter.Snapshot) (ok bool) {
	found := dumpVersion.FindStringSubmatch(m.Source.Text)
	if found == nil {
		return false
	}
	code, _, ok := rubycode.Read(m.Source.Text)
	if !ok {
		return false
	}
	m.Source.LineComment = "#"
	run := code.RunBody(&translator{version: 601, schema: newSchema(), project: readProject(t, s.Dir), dump: true})
	m.Source.Parts = run.Parts
	newest := trimVersion(strings.ReplaceAll(found[1], "_", ""))
	out.Includes = func(m *adapter.Migration) bool { return adapter.CompareNatural(m.Version, newest) <= 0 }
	return len(run.Parts) > 0
}
