package jscode

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/jsrun"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// readProgram is a migration whose text has been read. sent is how its tool sends it.
type readProgram struct {
	migration *adapter.Migration
	// text is the one that was read. filled has names where the file has placeholders; "" if it has none.
	text, filled string
	sent         onward.Transaction
	up           Up
}

// readText reads a program as it is written, if that says as much as the text in which names replace what looks like the
// placeholder of a schema: `${TABLE}.id` is an expression of the program.
func readText(f *adapter.File, form Form) Up {
	up := ReadUp(f.Text, form)
	if f.Written == "" {
		return up
	}
	exact := ReadUp(f.Written, form)
	if exact.Found && len(exact.Unread) <= len(up.Unread) {
		f.Text, f.Written = f.Written, ""
		return exact
	}
	return up
}

// runUnread runs the programs of which not every call was read, and takes what they did if it is more. A program whose
// SQL has what looks like the placeholder of a schema is run a second time, with a name there, if that is not known.
// gaps are sentences about what was not confined.
func (a Adapter) runUnread(
	ctx context.Context, t adapter.Tree, c Settings, form Form, programs []readProgram,
) (gaps []string) {
	if !a.Runs || !jsrun.CanRun() {
		return nil
	}
	for _, filled := range [...]bool{false, true} {
		var jobs []jsrun.Job
		var unread []*readProgram
		for i := range programs {
			p := &programs[i]
			if (!p.up.Found || len(p.up.Unread) > 0) && (!filled || p.filled != "") {
				jobs = append(jobs, jsrun.Job{Path: p.migration.Path, Tool: a.Framework, Client: c.Client, Bare: c.Mode == "none"})
				unread = append(unread, p)
			}
		}
		if len(jobs) == 0 {
			continue
		}
		find := func(candidates ...string) (string, string) { return findFile(t, candidates, filled) }
		results, notConfined := jsrun.Run(ctx, find, jobs)
		gaps = notConfined
		for i, p := range unread {
			if results[i].Why == "" {
				p.takeRun(form, results[i].Calls, filled)
			}
		}
	}
	return gaps
}

// takeRun takes what a program did if it is more than what is known of it. filled is set if it ran with names in the
// place of placeholders.
func (p *readProgram) takeRun(form Form, calls []jsrun.Call, filled bool) {
	read, source := p.up, p.migration.Source
	text, written := cmp.Or(source.Written, p.text), ""
	switch {
	case filled:
		text, written = p.filled, text
	case source.Written != "":
		read = ReadUp(text, form)
	}
	recorded := newRecorder(form, p.up, text).readCalls(calls)
	if !isMore(recorded, read) || losesCall(recorded, p.up, text) || filled && len(recorded.Unread) >= len(p.up.Unread) {
		return
	}
	p.up, p.text = recorded, text
	p.migration.Source.Text, p.migration.Source.Written = text, written
}

// findFile returns the first of some files that a tree has.
func findFile(t adapter.Tree, candidates []string, filled bool) (name, text string) {
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

// isMore reports whether a run shows more than the text did. A run that lacks a statement of the text shows less: it
// may have taken one of two ways.
func isMore(recorded, read Up) bool {
	next := 0
	for _, p := range recorded.Parts {
		if next < len(read.Parts) && read.Parts[next].SQL == p.SQL {
			next++
		}
	}
	fewer := len(read.Unread) - len(recorded.Unread)
	return next == len(read.Parts) && (!read.Found || fewer > 0 || fewer == 0 && len(recorded.Parts) > len(read.Parts))
}

// losesCall reports whether a call of which the text says what it sends is not known in a run.
func losesCall(recorded, read Up, text string) bool {
	lines := pgparse.NewLines(text)
	return slices.ContainsFunc(read.Parts, func(p script.Part) bool {
		line := p.Line
		if p.Start >= 0 {
			line, _ = lines.Position(p.Start)
		}
		return slices.ContainsFunc(recorded.Unread, func(u Unread) bool { return u.Line == line }) &&
			!slices.ContainsFunc(read.Unread, func(u Unread) bool { return u.Line == line })
	})
}

// recorder makes an Up of the calls that a program made.
type recorder struct {
	form Form
	text string
	up   Up
	used map[int]bool // positions of texts
}

func newRecorder(form Form, read Up, text string) *recorder {
	return &recorder{
		form: form, text: text, used: map[int]bool{},
		up: Up{Found: true, Parameter: read.Parameter, Body: read.Body},
	}
}

func (r *recorder) readCalls(calls []jsrun.Call) Up {
	for _, c := range calls {
		r.readCall(c)
	}
	return r.up
}

func (r *recorder) readCall(c jsrun.Call) {
	if c.Unread != "" {
		r.addUnread(c, c.Name, c.Unread)
		return
	}
	v := recordedValue(c.Value)
	t := r.form.Translate(v)
	switch {
	case t.Idle:
	case c.Idle:
		r.addUnread(c, r.nameCall(v), "it sends nothing, because nothing awaits it")
	case t.Why != "" || t.Body != nil || t.Opens:
		r.addUnread(c, r.nameCall(v), t.Why)
	default:
		for _, s := range t.Statements {
			r.recordStatement(c, s)
		}
	}
}

func (r *recorder) addUnread(c jsrun.Call, name, why string) {
	u := Unread{Line: max(c.Place.Line, 1), Column: max(c.Place.Column, 1), Call: name, Why: why}
	if why == "" {
		u.Why = "its SQL is known only when it runs"
	}
	if !slices.Contains(r.up.Unread, u) { // a loop makes the same call often
		r.up.Unread = append(r.up.Unread, u)
	}
}

// nameCall returns the name of a call, as the program spells it.
func (r *recorder) nameCall(v Value) string {
	names := []string{r.up.Parameter}
	for i, l := range v.Links[:min(len(v.Links), 3)] {
		if i > 0 {
			names = append(names, l.Name)
		} else if r.up.Parameter == "" || slices.Contains(r.form.Receivers, l.Name) {
			names[0] = l.Name
		}
	}
	return strings.Join(names, ".")
}

func (r *recorder) recordStatement(c jsrun.Call, s Statement) {
	place := c.Place
	if s.At != nil && s.At.place.Line > 0 {
		place = s.At.place
	}
	p := script.Part{
		SQL: s.SQL, Start: -1, Message: true, Block: c.Block, Loop: c.Loop, Conditional: c.Conditional || s.Conditional,
		AfterUnread: len(r.up.Unread) > 0,
	}
	if s.Outside {
		p.Block = 0
	}
	if s.SQL == "" {
		if p.SQL = strings.TrimSpace(s.Text.Text); p.SQL == "" {
			return
		}
		p.Start = r.findText(p.SQL)
	}
	if p.Start < 0 {
		p.Line, p.Column = max(place.Line, 1), max(place.Column, 1)
		p.EndLine, p.EndColumn = p.Line, p.Column+1
	}
	for _, n := range c.Needs {
		if table := r.form.Translate(recordedValue(n.Value)).Needs; table != "" {
			p.Needs, p.NeedsAt = append(p.Needs, table), n.Line
		}
	}
	r.up.Parts = append(r.up.Parts, p)
}

// findText returns the offset of a text in the program, if it is there exactly once and not sent before; else -1.
func (r *recorder) findText(sql string) int {
	first := strings.Index(r.text, sql)
	if first < 0 || len(sql) < 8 || r.used[first] || strings.Contains(r.text[first+1:], sql) {
		return -1
	}
	r.used[first] = true
	return first
}

// recordedKinds are the kinds of values.
var recordedKinds = map[string]ValueKind{
	jsrun.Text: Text, jsrun.Number: Number, jsrun.Word: Word, jsrun.List: List, jsrun.Object: Object, jsrun.Chain: Chain,
	jsrun.Callback: Callback, jsrun.Template: Template,
}

// recordedValue returns a value that a program gave to a call.
func recordedValue(v jsrun.Value) Value {
	out := Value{Kind: recordedKinds[v.Kind], Text: v.Text, New: v.New, place: v.Place}
	for _, item := range v.Items {
		out.Items = append(out.Items, recordedValue(item))
	}
	for _, f := range v.Fields {
		out.Fields = append(out.Fields, Field{f.Name, recordedValue(f.Value)})
	}
	for _, l := range v.Links {
		link := Link{Name: l.Name, Called: l.Called, Tagged: l.Tagged}
		for _, a := range l.Arguments {
			link.Arguments = append(link.Arguments, recordedValue(a))
		}
		out.Links = append(out.Links, link)
	}
	if out.Kind == Callback {
		out.Function = &Function{recorded: true, complete: v.Read}
		for _, c := range v.Calls {
			out.Function.calls = append(out.Function.calls, recordedValue(c))
		}
	}
	if out.Kind == Chain && len(out.Links) == 0 {
		out.Kind = Unknown
	}
	return out
}
