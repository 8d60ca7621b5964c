package linters

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/configfile"
	"github.com/onward-sql/onward/onward"
)

// analyzers maps atlas's checks to the rules that correspond to them.
var analyzers = map[string][]string{
	"destructive":      {"table-drop", "column-drop", "schema-drop"},
	"incompatible":     {"table-rename", "column-rename"},
	"concurrent_index": {"index-create-blocking", "index-drop-blocking"},
}

// lintPath returns the path of blocks below a lint block.
func lintPath(section string) (subpath string, ok bool) {
	blocks := strings.Split(section, ".")
	i := slices.Index(blocks, "lint")
	if i < 0 {
		return "", false
	}
	return strings.Join(blocks[i+1:], "."), true
}

// readAtlas reads the lint blocks of an atlas.hcl. Without one, atlas is not used as a linter.
func (s *Settings) readAtlas(path, text string) {
	list, err := configfile.ReadHCL(text)
	if err != nil && strings.Contains(text, "lint") {
		s.recordUnreadable(path, err)
	}
	for _, setting := range list {
		analyzer, ok := lintPath(setting.Section)
		if !ok {
			continue
		}
		s.recordLinter("atlas")
		name := strings.Trim(analyzer+"."+setting.Key, ".")
		full := configfile.Setting{Key: "lint." + name, Values: setting.Values, Line: setting.Line}
		ids, known := analyzers[analyzer]
		switch {
		case known && setting.Key == "error":
			severity := onward.Warning // it is reported, and does not fail the run
			if setting.IsTrue() {
				severity = onward.Error
			}
			s.setSeverities(full, path, ids, severity)
		case name == "concurrent_index.check_create" && !setting.IsTrue():
			s.setSeverities(full, path, []string{"index-create-blocking"}, onward.Off)
		case name == "concurrent_index.check_drop" && !setting.IsTrue():
			s.setSeverities(full, path, []string{"index-drop-blocking"}, onward.Off)
		case name == "concurrent_index.check_create", name == "concurrent_index.check_drop":
			s.recordUnsupported(full, path, "not needed: it is so anyway")
		case name == "git.base":
			s.recordBase(full, path)
		case name == "latest", name == "git.dir":
			s.recordUnsupported(full, path, "not needed: a release is what the head adds to the base")
		case name == "data_depend.error":
			s.recordUnsupported(full, path, "several rules tell what depends on rows, each with its own severity")
		case strings.HasPrefix(name, "naming."):
			s.recordUnsupported(full, path, "names are not judged")
		default:
			s.recordUnsupported(full, path, "nothing here is like it")
		}
	}
}

// setSeverities gives several rules the severity that a setting asks for.
func (s *Settings) setSeverities(setting configfile.Setting, path string, ids []string, severity onward.Severity) {
	e := Entry{Path: path, Line: setting.Line, Theirs: setting.Key + " " + strings.Join(setting.Values, " ")}
	for _, id := range ids {
		s.setSeverity(id, severity, setting.Key+" of "+path)
	}
	e.Ours = "rules: " + strings.Join(ids, ", ") + ": " + severity.String()
	s.Settings = append(s.Settings, e)
}
