package jscode

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/jsrun"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// readProgram is a migration that runs. sent is how its tool sends it.
type readProgram struct {
	migration *adapter.Migration
	// text is the one that runs. filled has names where the file has placeholders; "" if it has none.
	text, filled string
	sent         onward.Transaction
	up           Up
}

// newProgram returns a migration that runs as it is written: what looks like the placeholder of a schema, `${TABLE}.id`, may be an
// expression of the program.
func newProgram(f *adapter.File, m *adapter.Migration, sent onward.Transaction) readProgram {
	p := readProgram{migration: m, text: f.Text, sent: sent}
	if f.Written != "" {
		p.filled, p.text = f.Text, f.Written
		m.Source.Text, m.Source.Written = f.Written, ""
	}
	return p
}

// runPrograms runs the programs, with recorders in place of the tool's object. A program whose SQL has what looks like the
// placeholder of a schema is run a second time, with a name there, if that is not known. gaps are sentences about what was not
// confined.
func (a Adapter) runPrograms(ctx context.Context, t adapter.Tree, s adapter.Source, c Settings, programs []readProgram) (gaps []string) {
	if reason := explainNotRun(s); reason != "" {
		for i := range programs {
			programs[i].up = newUnrunUp(reason)
		}
		return nil
	}
	translate := a.Translate
	if c.Translate != nil {
		translate = c.Translate
	}
	for _, filled := range [...]bool{false, true} {
		var jobs []jsrun.Job
		var run []*readProgram
		for i := range programs {
			if p := &programs[i]; !filled || p.filled != "" && len(p.up.Unread) > 0 {
				job := a.newJob(p.migration.Path, c)
				job.Bare = cmp.Or(s.Options.Transaction, p.sent) == onward.TransactionNone
				jobs = append(jobs, job)
				run = append(run, p)
			}
		}
		if len(jobs) == 0 {
			continue
		}
		find := func(candidates ...string) (string, string) { return findFirstFile(t, candidates, filled) }
		results, notConfined := jsrun.Run(ctx, find, jobs)
		gaps = notConfined
		for i, p := range run {
			switch {
			case !filled:
				p.up = readResult(translate, results[i], p.text)
			case results[i].Why == "":
				p.preferFilled(readResult(translate, results[i], p.filled))
			}
		}
	}
	return gaps
}

// newJob returns the run of a program.
func (a Adapter) newJob(program string, c Settings) jsrun.Job {
	j := jsrun.Job{Path: program, Tool: cmp.Or(a.World, a.Framework), Client: c.Client, Joins: c.Joins}
	if c.RunSettings != nil {
		j.Settings = c.RunSettings(program)
	}
	return j
}

// explainNotRun returns why no program of a source runs; "" if they do.
func explainNotRun(s adapter.Source) string {
	switch {
	case s.Options.Static:
		return "it does not run (static: true in onward.yaml)"
	case !jsrun.CanRun():
		return "it does not run: this program does not call audit.RunChild"
	}
	return ""
}

// newUnrunUp returns what is known of a program that has not run.
func newUnrunUp(reason string) Up {
	return Up{NotRun: true, Unread: []Unread{{Line: 1, Column: 1, Call: "up", Why: reason}}}
}

// preferFilled takes what a program did with names in the place of placeholders, if more is known of it.
func (p *readProgram) preferFilled(up Up) {
	if len(up.Unread) < len(p.up.Unread) {
		p.migration.Source.Text, p.migration.Source.Written = p.filled, p.text
		p.up, p.text = up, p.filled
	}
}

// findFirstFile returns the first of some files that a tree has.
func findFirstFile(t adapter.Tree, candidates []string, filled bool) (name, text string) {
	for _, p := range candidates {
		if !adapter.HasFile(t, p) {
			continue
		}
		f := adapter.ReadFile(t, p)
		switch {
		case f.Failed != "":
			return "", ""
		case filled:
			return p, f.Text
		}
		return p, cmp.Or(f.Written, f.Text)
	}
	return "", ""
}

// recorder makes an Up of the calls that a program made.
type recorder struct {
	translate func(call Value) Translation
	text      string
	up        Up
	// lines are the offsets of the lines of the text. used are the positions of texts that were sent, and the calls that sent them.
	lines []int
	used  map[int]bool
	calls map[jsrun.Place]bool
}

// readResult returns what a run of a program shows. text is the program.
func readResult(translate func(call Value) Translation, result jsrun.Result, text string) Up {
	if result.Why != "" {
		return newUnrunUp(result.Why)
	}
	r := &recorder{
		translate: translate, text: text, up: Up{Imports: result.Imports}, lines: []int{0}, used: map[int]bool{}, calls: map[jsrun.Place]bool{},
	}
	for i := range len(text) {
		if text[i] == '\n' {
			r.lines = append(r.lines, i+1)
		}
	}
	for _, c := range result.Calls {
		r.readCall(c)
	}
	return r.up
}

func (r *recorder) readCall(c jsrun.Call) {
	if c.Unread != "" {
		r.addUnread(c, c.Name, c.Unread)
		return
	}
	if len(c.Value.Links) == 0 {
		r.addUnread(c, "up", "")
		return
	}
	t := r.translate(c.Value)
	switch {
	case t.Idle:
	case c.Idle:
		r.addUnread(c, formatCallName(c.Value), "it sends nothing, because nothing awaits it")
	case t.Why != "":
		r.addUnread(c, formatCallName(c.Value), t.Why)
	default:
		isRepeated := r.calls[c.Place]
		r.calls[c.Place] = true
		for _, s := range t.Statements {
			r.recordStatement(c, s, isRepeated)
		}
	}
}

func (r *recorder) addUnread(c jsrun.Call, name, reason string) {
	u := Unread{Line: max(c.Place.Line, 1), Column: max(c.Place.Column, 1), Call: name, Why: reason, NoUp: c.NoUp, Exhausted: c.Exhausted}
	if reason == "" {
		u.Why = "its SQL is known only when it runs"
	}
	if !slices.Contains(r.up.Unread, u) { // a loop makes the same call often
		r.up.Unread = append(r.up.Unread, u)
	}
}

// formatCallName returns the name of a call, with its first members.
func formatCallName(v Value) string {
	var names []string
	for _, l := range v.Links[:min(len(v.Links), 3)] {
		names = append(names, l.Name)
	}
	return strings.Join(names, ".")
}

// recordStatement adds a statement of a call. isRepeated is set if the call has sent some before, in a loop.
func (r *recorder) recordStatement(c jsrun.Call, s Statement, isRepeated bool) {
	place := c.Place
	if s.At != nil && s.At.Place.Line > 0 {
		place = s.At.Place
	}
	p := script.Part{
		SQL: s.SQL, Start: -1, Message: true, Block: c.Block, Loop: c.Loop, Conditional: c.Conditional || s.Conditional,
		AfterUnread: len(r.up.Unread) > 0, Connection: c.Connection, Beside: c.Beside,
	}
	if s.Outside && !c.Joined && p.Block > 0 {
		p.Block, p.Connection, p.Beside = 0, 0, append(p.Beside, p.Connection)
	}
	if s.SQL == "" {
		if p.SQL = strings.TrimSpace(s.Text.Text); p.SQL == "" {
			return
		}
		if !isRepeated {
			p.Start = r.findText(p.SQL, c.Place)
		}
	}
	p.Line, p.Column = max(place.Line, 1), max(place.Column, 1)
	p.EndLine, p.EndColumn = p.Line, p.Column+1
	for _, n := range c.Needs {
		if table := r.readNeeds(n.Value); table != "" {
			p.Needs, p.NeedsAt = append(p.Needs, table), n.Line
		}
	}
	r.up.Parts = append(r.up.Parts, p)
}

// readNeeds returns the table whose existence a question asks; "" if it asks something else.
func (r *recorder) readNeeds(question Value) string {
	if len(question.Links) == 0 {
		return ""
	}
	return r.translate(question).Needs
}

// mostTries bounds the search for a text.
const mostTries = 100

// findText returns the offset of a text that a call sent: the first one in quotes from the line of the call on that was not sent
// before; -1 if there is none.
func (r *recorder) findText(sql string, place jsrun.Place) int {
	from := 0
	if n := place.Line - 1; n > 0 && n < len(r.lines) {
		from = r.lines[n]
	}
	for range mostTries {
		next := strings.Index(r.text[from:], sql)
		if next < 0 {
			return -1
		}
		pos := from + next
		before, after := strings.TrimRight(r.text[:pos], " \t\r\n"), strings.TrimLeft(r.text[pos+len(sql):], " \t\r\n")
		if before != "" && after != "" && before[len(before)-1] == after[0] && strings.IndexByte("'\"`", after[0]) >= 0 && !r.used[pos] {
			r.used[pos] = true
			return pos
		}
		from = pos + 1
	}
	return -1
}
