package django

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/onward"
)

// codeModule is the text of a migration without its operations, as code_module.py writes it.
type codeModule struct {
	// Template has marks for dependencies and operations. Error says why there is none.
	Template   string
	Error      string
	Operations []codeOperation
}

// codeOperation is a RunPython operation, with the comments in the lines above it.
type codeOperation struct {
	Line             int
	Comments, Source string
	// Before is the number of operations on Django's state that come first: in the migration, later in all replaced migrations.
	Before    int
	migration string
}

// addCode adds the code of a replaced migration, before the migration's state operations are added.
func (w *projectWriting) addCode(migration string, code codeModule) {
	w.modules[migration] = code
	for _, op := range code.Operations {
		op.migration, op.Before = migration, op.Before+len(w.states)
		w.code = append(w.code, op)
	}
}

// needsCode reports whether unwritten code comes before a state operation. It may use what the operation removes.
func (w *projectWriting) needsCode(s stateOperation) bool {
	return slices.ContainsFunc(w.code, func(op codeOperation) bool { return op.Before <= s.number })
}

// CodeFiles returns the migrations that run some RunPython operations of a replaced one. Their text is its text, so functions, constants
// and imports are there. The operations on Django's state before the code come first, in a migration of their own: the code gets the
// models that it was written for.
//
// Errors: the app has more than one last migration; the file is not in the form of makemigrations.
func (w *projectWriting) CodeFiles(p *onward.Plan, migration string, lines []int) ([]adapter.Written, error) {
	code := w.modules[migration]
	if code.Error != "" {
		return nil, fmt.Errorf("the code of %s cannot be written again: %s", migration, code.Error)
	}
	label, name, _ := strings.Cut(migration, ".")
	var out []adapter.Written
	m := &module{template: code.Template}
	write := func(files []adapter.Written, err error) error {
		out = append(out, files...)
		return err
	}
	writeCode := func() error {
		if len(m.operations) == 0 {
			return nil
		}
		err := write(w.finishMigration(p, nil, label, leading.ReplaceAllString(name, ""), m))
		m = &module{template: code.Template}
		return err
	}
	for _, line := range lines {
		index := slices.IndexFunc(w.code, func(o codeOperation) bool { return o.migration == migration && o.Line == line })
		if index < 0 {
			return nil, fmt.Errorf("line %d of %s is no RunPython among its operations: move it to a migration of its own", line, migration)
		}
		op := w.code[index]
		w.code = slices.Delete(w.code, index, index+1)
		if states := w.countStatesBefore(op.Before); states > 0 {
			if err := writeCode(); err != nil {
				return nil, err
			}
			if err := write(w.takeStateFiles(p, states)); err != nil {
				return nil, err
			}
		}
		m.operations = append(m.operations, op.Comments+"        "+op.Source+",\n")
	}
	return out, writeCode()
}

// countStatesBefore counts the unwritten state operations among the first ones of the replaced migrations.
func (w *projectWriting) countStatesBefore(first int) int {
	if n := slices.IndexFunc(w.states, func(s stateOperation) bool { return s.number >= first }); n >= 0 {
		return n
	}
	return len(w.states)
}

// fillTemplate puts the lists of a module into its template.
func (m *module) fillTemplate() string {
	return strings.NewReplacer("\x00dependencies\x00", m.formatDependencies(), "\x00operations\x00", m.formatOperations()).Replace(m.template)
}
