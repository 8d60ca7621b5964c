// Package configfile reads the configuration files of other tools: TOML, HCL and INI. Each reader returns the
// settings in their order, with their lines.
package configfile

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/pelletier/go-toml/v2/unstable"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Setting is a value in a configuration file.
type Setting struct {
	// Section is the path of the tables or blocks around it, with dots: "tool.poetry.dependencies".
	Section, Key string
	// Labels are the labels of these blocks in HCL, with dots: "prod" in env "prod" {…}.
	Labels string
	// Values are its value, or the items of a list.
	Values []string
	Line   int
}

// IsTrue reports whether a setting is switched on.
func (s Setting) IsTrue() bool { return len(s.Values) == 1 && strings.EqualFold(s.Values[0], "true") }

// Find returns the value of the first setting with this section and key, "" for none.
func Find(list []Setting, section, key string) string {
	i := slices.IndexFunc(list, func(s Setting) bool { return s.Section == section && s.Key == key && len(s.Values) > 0 })
	if i < 0 {
		return ""
	}
	return list[i].Values[0]
}

// Limits of a file. The parsers recurse into brackets, operators and templates, and the files come from strangers.
const (
	maxNesting = 100
	maxSize    = 1 << 20
	maxHCL     = 32 << 10
)

var (
	errTooLarge = errors.New("the file is too large")
	errTooDeep  = errors.New("its brackets are nested too deeply")
)

// checkLimits refuses a text that would let a parser recurse deeply. Brackets in strings and comments count, too.
func checkLimits(text string, maxSize int) error {
	if len(text) > maxSize {
		return errTooLarge
	}
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '[', '{', '(':
			if depth++; depth > maxNesting {
				return errTooDeep
			}
		case ']', '}', ')':
			depth = max(0, depth-1)
		}
	}
	return nil
}

// Lines returns the lines of growing offsets in a text, which it reads once.
type Lines struct {
	text         string
	offset, seen int
}

// NewLines starts at the beginning of a text.
func NewLines(text string) *Lines { return &Lines{text: text} }

// CountTo returns the line of an offset.
func (l *Lines) CountTo(offset int) int {
	if offset > l.offset {
		l.seen += strings.Count(l.text[l.offset:offset], "\n")
		l.offset = offset
	}
	return 1 + l.seen
}

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

// RequiredPython returns the versions of Python that a pyproject.toml allows, "" for none.
func RequiredPython(pyproject string) string {
	list, _ := ReadTOML(pyproject)
	const poetry = "tool.poetry.dependencies"
	return cmp.Or(Find(list, "project", "requires-python"), Find(list, poetry, "python"), Find(list, poetry+".python", "version"))
}

// PipenvPython returns the version of Python that a Pipfile asks for, "" for none.
func PipenvPython(pipfile string) string {
	list, _ := ReadTOML(pipfile)
	return cmp.Or(Find(list, "requires", "python_version"), Find(list, "requires", "python_full_version"))
}

// iniValues are texts in quotation marks, and words without. A comment is neither.
var iniValues = lazyregexp.New(`"([^"\n]*)"|'([^'\n]*)'|[^\s,\[\](){}"'#;=]+|[#;][^\n]*`)

// SplitValues reads the right side of a setting: texts, words, or a list of them in brackets.
func SplitValues(text string) []string {
	var out []string
	for _, m := range iniValues.FindAllStringSubmatch(text, -1) {
		switch {
		case m[0][0] == '#' || m[0][0] == ';':
		case m[0][0] == '"' || m[0][0] == '\'':
			out = append(out, m[1]+m[2])
		default:
			out = append(out, m[0])
		}
	}
	return out
}

// ReadINI reads an INI file. Indented lines without "=" continue a value.
func ReadINI(text string) ([]Setting, error) {
	if len(text) > maxSize {
		return nil, errTooLarge
	}
	var out []Setting
	section, n := "", 0
	for line := range strings.Lines(text) {
		n++
		bare := strings.TrimSpace(line)
		indented := line[0] == ' ' || line[0] == '\t'
		key, value, assigns := strings.Cut(bare, "=")
		switch {
		case bare == "" || bare[0] == '#' || bare[0] == ';':
		case len(out) > 0 && indented && !assigns:
			last := &out[len(out)-1]
			last.Values = append(last.Values, SplitValues(bare)...)
		case bare[0] == '[':
			section = strings.Trim(strings.SplitN(bare, "]", 2)[0], "[ ")
		case assigns:
			out = append(out, Setting{Section: section, Key: strings.TrimSpace(key), Values: SplitValues(value), Line: n})
		}
	}
	return out, nil
}

// ReadTOML reads a TOML file. A dotted key and an inline table extend the section. If the file has an error, the
// settings before it are returned, too.
func ReadTOML(text string) ([]Setting, error) {
	text = strings.TrimPrefix(text, "\ufeff")
	if err := checkLimits(text, maxSize); err != nil {
		return nil, err
	}
	r := tomlReader{lines: NewLines(text)}
	r.parser.Reset([]byte(text))
	for r.parser.NextExpression() {
		switch e := r.parser.Expression(); e.Kind {
		case unstable.Table, unstable.ArrayTable:
			r.table = joinKey(e.Key())
		case unstable.KeyValue:
			r.addSetting(r.table, e)
		}
	}
	if err := r.parser.Error(); err != nil {
		return r.out, fmt.Errorf("it is not valid TOML: %w", err)
	}
	return r.out, nil
}

// tomlReader collects the settings of a file. table is the current section.
type tomlReader struct {
	parser unstable.Parser
	lines  *Lines
	table  string
	out    []Setting
}

// addSetting adds a key with its value, and the settings of an inline table.
func (r *tomlReader) addSetting(section string, n *unstable.Node) {
	name := joinKey(n.Key())
	value := n.Value()
	if value.Kind == unstable.InlineTable {
		for iter := value.Children(); iter.Next(); {
			r.addSetting(joinSections(section, name), iter.Node())
		}
		return
	}
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		section, name = joinSections(section, name[:i]), name[i+1:]
	}
	first := n.Key()
	first.Next()
	s := Setting{Section: section, Key: name, Line: r.lines.CountTo(int(first.Node().Raw.Offset))}
	s.Values = appendValues(nil, value)
	r.out = append(r.out, s)
}

// appendValues appends a value, or the items of an array. Tables in an array do not count.
func appendValues(out []string, n *unstable.Node) []string {
	switch n.Kind {
	case unstable.Array:
		for iter := n.Children(); iter.Next(); {
			out = appendValues(out, iter.Node())
		}
	case unstable.InlineTable:
	default:
		out = append(out, string(n.Data))
	}
	return out
}

func joinKey(iter unstable.Iterator) string {
	var parts []string
	for iter.Next() {
		parts = append(parts, string(iter.Node().Data))
	}
	return strings.Join(parts, ".")
}

func joinSections(outer, inner string) string {
	if outer == "" {
		return inner
	}
	return outer + "." + inner
}

// ReadHCL reads an HCL file. The section of a setting has the types of the blocks around it, without labels.
// Nothing is evaluated: a value that is not a literal is its source text.
func ReadHCL(text string) ([]Setting, error) {
	if err := checkLimits(text, maxHCL); err != nil {
		return nil, err
	}
	file, problems := hclsyntax.ParseConfig([]byte(text), "", hcl.InitialPos)
	if problems.HasErrors() {
		return nil, errors.New("it is not valid HCL: " + problems[0].Summary)
	}
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		return nil, nil
	}
	out := appendBlock(nil, file.Bytes, "", "", body)
	slices.SortStableFunc(out, func(a, b Setting) int { return cmp.Compare(a.Line, b.Line) })
	return out, nil
}

func appendBlock(out []Setting, text []byte, section, labels string, body *hclsyntax.Body) []Setting {
	for _, a := range body.Attributes {
		out = append(out, Setting{Section: section, Labels: labels, Key: a.Name, Values: literalValues(text, a.Expr), Line: a.NameRange.Start.Line})
	}
	for _, b := range body.Blocks {
		out = appendBlock(out, text, joinSections(section, b.Type), strings.Trim(labels+"."+strings.Join(b.Labels, "."), "."), b.Body)
	}
	return out
}

// literalValues returns a literal, the items of a list, or the text of another expression.
func literalValues(text []byte, e hclsyntax.Expression) []string {
	switch e := e.(type) {
	case *hclsyntax.TupleConsExpr:
		var out []string
		for _, item := range e.Exprs {
			out = append(out, literalValues(text, item)...)
		}
		return out
	case *hclsyntax.TemplateExpr:
		if len(e.Parts) == 0 {
			return []string{""}
		}
		if len(e.Parts) == 1 {
			return literalValues(text, e.Parts[0])
		}
	case *hclsyntax.LiteralValueExpr:
		if v, err := convert.Convert(e.Val, cty.String); err == nil && !v.IsNull() {
			return []string{v.AsString()}
		}
	}
	return []string{string(e.Range().SliceBytes(text))}
}
