package django

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/pycode"
	"github.com/onward-sql/onward/onward"
)

// module is the text of a migration while it is written.
type module struct {
	about string
	// bare is set if it runs without a transaction.
	bare         bool
	imports      map[string]bool
	dependencies []string
	operations   []string
	// template is the text of a replaced migration with marks for these lists; "" for a new text.
	template string
}

func (m *module) addImports(lines []string) {
	if m.imports == nil {
		m.imports = map[string]bool{}
	}
	for _, line := range lines {
		m.imports[line] = true
	}
}

func (m *module) addDependency(app, name string) {
	m.addSourceDependency(source{Source: "('" + app + "', '" + name + "')"})
}

func (m *module) addSourceDependency(d source) {
	if !slices.Contains(m.dependencies, d.Source) {
		m.dependencies = append(m.dependencies, d.Source)
		m.addImports(d.Imports)
	}
}

func (m *module) addOperation(op source) {
	m.operations = append(m.operations, indentPython(op.Source, 2))
	m.addImports(op.Imports)
}

// addStateOperations adds operations that change only Django's state.
func (m *module) addStateOperations(list []stateOperation) {
	if len(list) == 0 {
		return
	}
	var b strings.Builder
	b.WriteString("migrations.SeparateDatabaseAndState(\n    state_operations=[\n")
	for _, op := range list {
		b.WriteString(indentPython(op.Source, 2))
		m.addImports(op.Imports)
	}
	b.WriteString("    ],\n),")
	m.addOperation(source{Source: b.String()})
}

// indentPython indents a piece of Python. Strings of several lines stay unchanged.
func indentPython(text string, depth int) string {
	var b strings.Builder
	open := false
	for line := range strings.Lines(strings.TrimSuffix(text, "\n") + "\n") {
		if !open {
			b.WriteString(strings.Repeat("    ", depth))
		}
		b.WriteString(line)
		open = open != (strings.Count(line, `"""`)%2 == 1)
	}
	return b.String()
}

// fileText returns the file in the layout of makemigrations.
func (m *module) fileText() string {
	if m.template != "" {
		return m.fillTemplate()
	}
	const both, models = "from django.db import migrations, models", "from django.db import models"
	if m.imports[models] {
		delete(m.imports, models)
		m.addImports([]string{both})
	} else {
		m.addImports([]string{"from django.db import migrations"})
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
	b.WriteString("    " + m.formatDependencies() + "\n\n    " + m.formatOperations() + "\n")
	return b.String()
}

func (m *module) formatDependencies() string {
	var b strings.Builder
	for _, d := range m.dependencies {
		b.WriteString("        " + d + ",\n")
	}
	return "dependencies = [\n" + b.String() + "    ]"
}

func (m *module) formatOperations() string {
	return "operations = [\n" + strings.Join(m.operations, "") + "    ]"
}

// addDropInvalidIndex adds the operation before a concurrent build: it drops the invalid index that an interrupted build leaves.
func (m *module) addDropInvalidIndex(s *onward.PlanStep) {
	if drop := adapter.DropInvalidIndex(s); drop != "" {
		m.addOperation(source{Source: "migrations.RunSQL(\n    sql=" + pycode.QuoteString(drop) + ",\n    reverse_sql=migrations.RunSQL.noop,\n),"})
	}
}

// runSQLOperation returns the RunSQL for a step. A contract step has no undo SQL.
func runSQLOperation(s *onward.PlanStep) string {
	out := "migrations.RunSQL(\n    sql=" + pycode.QuoteString(adapter.TransactionBody(s)) + ",\n"
	if s.Phase != onward.Contract {
		out += "    reverse_sql=" + undoOperation(s) + ",\n"
	}
	return out + "),"
}

// undoOperation returns the undo operation: outside a transaction, one message for each statement.
func undoOperation(s *onward.PlanStep) string {
	undo := adapter.UndoSQL(s)
	if undo == "" {
		return "migrations.RunSQL.noop"
	}
	list := adapter.SplitStatements(undo)
	if s.Transaction != onward.TransactionNone || len(list) == 1 {
		return pycode.QuoteString(undo)
	}
	var b strings.Builder
	for _, sql := range list {
		b.WriteString("        " + pycode.QuoteString(sql+";\n") + ",\n")
	}
	return "[\n" + b.String() + "    ]"
}
