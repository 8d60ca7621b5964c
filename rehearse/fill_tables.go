package rehearse

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/fill"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgserver/observe"
	"github.com/onward-sql/onward/internal/size"
)

// fillTables fills the tables, and records their sizes.
func (s *releaseRun) fillTables(ctx context.Context) error {
	if !s.Rows.IsEmpty() {
		relations, err := s.readBaseRelations(ctx)
		if err != nil {
			return err
		}
		if err := s.collectDemands(ctx); err != nil {
			return err
		}
		// As the role of the migrations: constraints and defaults run code.
		s.reportPhase("fills the tables")
		room, short := s.rowBudget()
		r, err := fill.FillDatabase(ctx, s.databaseURL(s.server, s.database), s.Rows, fill.Release{
			Keep:    s.demands,
			Touches: s.touchedTables(relations),
			Room:    room,
			Told:    s.fillProgress(time.Now()),
		})
		if tooMuch := new(fill.TooMuchError); errors.As(err, &tooMuch) {
			return &config.InputError{Err: fmt.Errorf("the rows would take about %s, %s of it in %s: %s", size.FormatBytes(tooMuch.Bytes), size.FormatBytes(tooMuch.Of),
				tooMuch.Table, short)}
		}
		if err != nil {
			return fmt.Errorf("generate rows: %w", err)
		}
		for _, p := range r.Problems {
			s.addNote(fmt.Sprintf("generated rows of %s: %s", p.Relation, p.Why))
		}
		for _, u := range r.Unmet {
			s.addNote(fmt.Sprintf("no rows of %s were found that satisfy %s, which the release adds: %s", u.Demand.Table, u.Demand.Name, u.Why))
		}
	} else if s.base.from != "dump" {
		return nil
	}
	return s.recordTables(ctx)
}

// rowBudget returns how many bytes the rows may take, and what to do if they need more. A
// rewrite or an index needs additional space.
func (s *releaseRun) rowBudget() (bytes int64, short string) {
	free, location := s.server.Room()
	if half := free / 2; location != "" && half < s.MaxBytes {
		return half, fmt.Sprintf("more than half of the %s that are free in %s. Fewer rows, for fewer tables (--rows users=1e6), or TMPDIR on a larger disk",
			size.FormatBytes(free), location)
	}
	return s.MaxBytes, "more than --max-size allows. Fewer rows, for fewer tables (--rows users=1e6), or a larger --max-size"
}

// readBaseRelations reads the tables of the base, and refuses a plan for a table that it does
// not have.
func (s *releaseRun) readBaseRelations(ctx context.Context) (map[uint32]observe.Relation, error) {
	c, err := s.server.Connect(ctx, lookName, s.database)
	if err != nil {
		return nil, err
	}
	defer c.Close(ctx)
	rels, err := observe.ListRelations(ctx, c)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, r := range rels {
		if r.Kind == "r" || r.Kind == "p" {
			names = append(names, r.Name, r.Name[strings.IndexByte(r.Name, '.')+1:])
		}
	}
	for name := range s.Rows.Rows {
		if slices.Contains(names, name) || s.Lenient {
			continue
		}
		err := fmt.Errorf("rows for %q: the schema of the base has no such table", name)
		if nearest := config.Nearest(name, names); nearest != "" {
			err = fmt.Errorf("%w; did you mean %s?", err, nearest)
		}
		return nil, &config.InputError{Err: err}
	}
	return rels, nil
}

// touchedTables returns the tables of the base that the release touches: by the model, by its
// demands on their rows, and by name if a statement cannot be judged.
func (s *releaseRun) touchedTables(relations map[uint32]observe.Relation) []string {
	tables := map[string]bool{}
	for _, r := range relations {
		tables[r.Name] = r.Kind == "r" || r.Kind == "p"
	}
	out := map[string]bool{}
	for _, d := range s.demands {
		out[d.Table] = true
	}
	for _, m := range s.model.Migrations {
		for i := range m.Statements {
			st := &m.Statements[i]
			for _, e := range st.Effects {
				out[e.Relation] = out[e.Relation] || tables[e.Relation]
			}
			if st.Note == "" {
				continue
			}
			names := identifiers.FindAllString(st.SQL, -1)
			for name := range tables {
				if tables[name] && slices.Contains(names, name[strings.IndexByte(name, '.')+1:]) {
					out[name] = true
				}
			}
		}
	}
	maps.DeleteFunc(out, func(_ string, known bool) bool { return !known })
	return slices.Sorted(maps.Keys(out))
}

// identifiers matches words that may be names.
var identifiers = lazyregexp.New(`[\pL_][\pL\pN_$]*`)
