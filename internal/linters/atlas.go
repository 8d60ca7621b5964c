package linters

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// analyzers maps atlas's checks to the rules that correspond to them.
var analyzers = map[string][]string{
	"destructive":      {"table-drop", "column-drop", "schema-drop"},
	"incompatible":     {"table-rename", "column-rename"},
	"concurrent_index": {"index-create-blocking", "index-drop-blocking"},
}

// hcl matches the tokens of its configuration: texts, comments, marks, line ends and words.
var hcl = lazyregexp.New(`"(?:\\.|[^"\\\n])*"|//[^\n]*|#[^\n]*|[{}=\n]|[\w.-]+`)

// hclSettings returns the settings in blocks of a name; the section is the path of blocks
// below it.
func hclSettings(text, block string) []configLine {
	var out []configLine
	var blocks []string
	first, key := "", "" // of the statement; the setting's key
	for _, at := range hcl.FindAllStringIndex(text, -1) {
		switch part := text[at[0]:at[1]]; {
		case part == "\n" || part[0] == '#' || strings.HasPrefix(part, "//"):
			first, key = "", ""
		case part == "{":
			blocks, first = append(blocks, first), ""
		case part == "}":
			blocks, first, key = blocks[:max(0, len(blocks)-1)], "", ""
		case part == "=":
			key = first
		case key != "":
			if i := slices.Index(blocks, block); i >= 0 {
				out = append(out, configLine{strings.Join(blocks[i+1:], "."), key, []string{strings.Trim(part, `"`)}, lineAt(text, at[0])})
			}
			first, key = "", ""
		case first == "":
			first = part
		}
	}
	return out
}

// readAtlas reads the lint blocks of an atlas.hcl. Without one, atlas is not used as a linter.
func (s *Settings) readAtlas(path, text string) {
	for _, at := range hclSettings(text, "lint") {
		s.recordLinter("atlas")
		name := strings.Trim(at.section+"."+at.key, ".")
		full := configLine{key: "lint." + name, values: at.values, line: at.line}
		ids, known := analyzers[at.section]
		switch {
		case known && at.key == "error":
			severity := onward.Warning // it is reported, and does not fail the run
			if at.isTrue() {
				severity = onward.Error
			}
			s.setSeverities(full, path, ids, severity)
		case name == "concurrent_index.check_create" && !at.isTrue():
			s.setSeverities(full, path, []string{"index-create-blocking"}, onward.Off)
		case name == "concurrent_index.check_drop" && !at.isTrue():
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
func (s *Settings) setSeverities(at configLine, path string, ids []string, severity onward.Severity) {
	e := Entry{Path: path, Line: at.line, Theirs: at.key + " " + strings.Join(at.values, " ")}
	for _, id := range ids {
		s.setSeverity(id, severity, at.key+" of "+path)
	}
	e.Ours = "rules: " + strings.Join(ids, ", ") + ": " + severity.String()
	s.Settings = append(s.Settings, e)
}
