package django

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/onward"
)

// module is the text of a migration in the making.
type module struct {
	about string
	// bare: it runs without a transaction.
	bare         bool
	imports      map[string]bool
	dependencies []string
	operations   []string
}

func (m *module) import_(lines []string) {
	if m.imports == nil {
		m.imports = map[string]bool{}
	}
	for _, line := range lines {
		m.imports[line] = true
	}
}

func (m *module) after(app, name string) {
	m.depends(source{Source: "('" + app + "', '" + name + "')"})
}

func (m *module) depends(d source) {
	if !slices.Contains(m.dependencies, d.Source) {
		m.dependencies = append(m.dependencies, d.Source)
		m.import_(d.Imports)
	}
}

func (m *module) add(op source) {
	m.operations = append(m.operations, indented(op.Source, 2))
	m.import_(op.Imports)
}

// state adds operations that change the state only.
func (m *module) state(list []stated) {
	if len(list) == 0 {
		return
	}
	var b strings.Builder
	b.WriteString("migrations.SeparateDatabaseAndState(\n    state_operations=[\n")
	for _, op := range list {
		b.WriteString(indented(op.Source, 2))
		m.import_(op.Imports)
	}
	b.WriteString("    ],\n),")
	m.add(source{Source: b.String()})
}

// indented moves a piece of Python to the right. Strings of several lines stay as they are.
func indented(text string, by int) string {
	var b strings.Builder
	open := false
	for line := range strings.Lines(strings.TrimSuffix(text, "\n") + "\n") {
		if !open {
			b.WriteString(strings.Repeat("    ", by))
		}
		b.WriteString(line)
		open = open != (strings.Count(line, `"""`)%2 == 1)
	}
	return b.String()
}

// text is the file, as makemigrations lays it out.
func (m *module) text() string {
	const both, models = "from django.db import migrations, models", "from django.db import models"
	if m.imports[models] {
		delete(m.imports, models)
		m.import_([]string{both})
	} else {
		m.import_([]string{"from django.db import migrations"})
	}
	lines := slices.SortedFunc(maps.Keys(m.imports), func(a, b string) int {
		whole := func(s string) string {
			return map[bool]string{true: "1", false: "0"}[strings.HasPrefix(s, "from ")] + s
		}
		return strings.Compare(whole(a), whole(b))
	})
	var b strings.Builder
	fmt.Fprintf(&b, "# %s.\n%s\n\n\nclass Migration(migrations.Migration):\n", strings.Join(strings.Fields(m.about), " "), strings.Join(lines, "\n"))
	if m.bare {
		b.WriteString("    atomic = False\n\n")
	}
	b.WriteString("    dependencies = [\n")
	for _, d := range m.dependencies {
		b.WriteString("        " + d + ",\n")
	}
	b.WriteString("    ]\n\n    operations = [\n" + strings.Join(m.operations, "") + "    ]\n")
	return b.String()
}

// operation runs a step's SQL. What contracts has no way back.
func operation(s *onward.PlanStep) string {
	out := "migrations.RunSQL(\n    sql=" + python(adapter.Inner(s)) + ",\n"
	if s.Phase != onward.Contract {
		out += "    reverse_sql=" + back(s) + ",\n"
	}
	return out + "),"
}

// back is the way back: outside of a transaction a message for each statement.
func back(s *onward.PlanStep) string {
	undo := adapter.Back(s)
	if undo == "" {
		return "migrations.RunSQL.noop"
	}
	list := adapter.Statements(undo)
	if s.Transaction != onward.TransactionNone || len(list) == 1 {
		return python(undo)
	}
	var b strings.Builder
	for _, sql := range list {
		b.WriteString("        " + python(sql+";\n") + ",\n")
	}
	return "[\n" + b.String() + "    ]"
}

// python is SQL as a Python string of several lines.
func python(sql string) string {
	sql = strings.ReplaceAll(strings.ReplaceAll(sql, `\`, `\\`), `"""`, `""\"`)
	return "\"\"\"\n" + sql + `"""`
}
