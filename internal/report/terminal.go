package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// Terminal prints the report for people: the migrations in the order in which
// they run, each with what it changes, what its statements lock and what was
// found; the verdict and the next step come last, where the eye stops. A clean
// release is three lines, and one that was rehearsed has its timeline first and what was
// found without a server in a line each, unless Options.Verbose.
func Terminal(w io.Writer, r *onward.Report, o Options) error {
	t := &terminal{page: newPage(o), report: r, index: newIndex(r), verbose: o.Verbose, brief: o.Brief}
	switch {
	case o.Quiet:
		t.quiet()
	case len(r.Migrations) == 0 && len(r.Findings) == 0 && len(r.Opaque) == 0 && len(r.Verdicts) == 0:
		t.nothing()
	case r.Verification != nil && !o.Verbose:
		t.verified()
	case clean(r) && !o.Verbose:
		t.short()
	case len(r.Rehearsals) > 0 && !o.Verbose:
		t.watched()
	default:
		t.full()
	}
	return t.flush(w)
}

type terminal struct {
	*page
	report  *onward.Report
	index   *index
	verbose bool
	brief   bool
	rules   map[string]bool // told already
}

// clean reports whether there is nothing to look at.
func clean(r *onward.Report) bool {
	return len(r.Findings) == 0 && !slices.ContainsFunc(r.Opaque, func(o onward.Opaque) bool { return o.Failed })
}

// watched is the report of a release that was rehearsed: what the server did first, then
// what was found. What needed no server the report of changelog tells whole.
func (t *terminal) watched() {
	r := t.report
	t.split(t.title(), t.subtitle(), t.Bold, t.Dim)
	t.runners()
	t.rehearsal()
	whole, brief := []*onward.Finding{}, []*onward.Finding{}
	for i := range r.Findings {
		if f := &r.Findings[i]; strings.HasPrefix(f.Rule, "rehearsal-") {
			whole = append(whole, f)
		} else {
			brief = append(brief, f)
		}
	}
	for _, f := range whole {
		t.finding(f)
	}
	if len(brief) > 0 {
		t.blank()
		t.line(t.paint(t.Dim, "found without a server (-v tells why, and the way out)"))
	}
	for _, f := range brief {
		mark := t.paint(t.Severity(f.Severity), pad(f.Severity.String(), 7))
		t.wrap("  "+mark+"  ", "           ", t.path(place(f.Path, f.Line, f.Column))+"  "+Line(f.Fact)+" ("+Line(f.Rule)+")", t.plain())
	}
	t.unjudged(r.Opaque)
	t.blank()
	t.ending()
}

// unjudged lists what could not be judged.
func (t *terminal) unjudged(list []onward.Opaque) {
	if len(list) == 0 {
		return
	}
	t.blank()
	t.line(t.paint(t.Bold, "not judged"))
	for i := range list {
		t.opaque("", &list[i])
	}
}

func (t *terminal) full() {
	r := t.report
	t.split(t.title(), t.subtitle(), t.Bold, t.Dim)
	t.runners()
	for i := range r.Migrations {
		m := &r.Migrations[i]
		if t.brief && len(t.index.of(m))+len(t.index.also[m.Path]) == 0 && len(t.index.opaqueIn(m)) == 0 {
			continue
		}
		t.blank()
		t.migration(m)
	}
	findings, opaque := t.index.elsewhere()
	if len(findings) > 0 {
		t.blank()
		t.line(t.paint(t.Bold, "beside the migrations"))
		for i := range findings {
			t.finding(&findings[i])
		}
	}
	t.unjudged(opaque)
	t.rehearsal()
	t.verification()
	t.blank()
	if r.Sizes != nil {
		t.line(t.paint(t.Dim, shorten("times are estimates, at "+throughputWords(r.Sizes), t.width)))
	}
	t.ending()
}

// quiet prints the findings in a line each, and the verdict.
func (t *terminal) quiet() {
	for _, f := range t.report.Findings {
		style := t.Severity(f.Severity)
		t.line(t.path(place(f.Path, f.Line, f.Column)), ": ", t.paint(style, f.Severity.String()), ": ", Line(f.Fact), " (", Line(f.Rule), ")")
	}
	for i := range t.report.Verdicts {
		d := &t.report.Verdicts[i]
		t.line(t.path(place(d.After.Path, d.After.Line, 0)), ": ", t.paint(t.Severity(d.Severity), d.Severity.String()), ": ", verdictHead(d), " (", codeWords(d.Code), ", ", Line(string(d.Kind)), ")")
	}
	for _, o := range t.report.Opaque {
		if o.Failed {
			t.line(t.path(place(o.Path, o.Line, o.Column)), ": not judged: ", sentence(&o))
		}
	}
	t.wrap("", "", verdict(t.report), t.verdictStyle())
}

// nothing is the report of a release without migrations.
func (t *terminal) nothing() {
	subject := revisions(t.report)
	if subject != "" {
		subject += "  "
	}
	t.wrap("", "  ", subject+"no new migrations", t.Bold)
	if t.report.Summary.Verdict != "" {
		t.wrap("", "", verdict(t.report), t.verdictStyle())
	}
}

// runners says how it is known who runs the migrations.
func (t *terminal) runners() {
	for _, line := range runnerLines(t.report, t.path) {
		t.wrap("", "  ", line, t.Dim)
	}
}

// short is the report of a clean release: what changes, the verdict, what was
// not judged.
func (t *terminal) short() {
	r := t.report
	var changes []string
	for i := range r.Migrations {
		for _, c := range r.Migrations[i].Changes {
			text := Line(c.Text)
			if c.Object != "" {
				text = Line(c.Object) + " " + text
			}
			changes = append(changes, text)
		}
	}
	what := "no change of the schema"
	if len(changes) > 0 {
		what = strings.Join(changes, "; ")
	}
	if t.brief {
		what = Versions(r.Postgres)
	}
	head := Count(r.Summary.Migrations, noun(r)) + ": "
	if title := revisions(r); title != "" {
		head = title + "  " + head
	}
	t.line(t.paint(t.Bold, shorten(head, t.width)), shorten(what, t.width-columns(head)))
	if len(r.Rehearsals) > 0 {
		t.rehearsal()
		t.blank()
	}
	t.wrap("", "", verdict(r), t.verdictStyle())
	rest := "everything was judged"
	if r.PostgresFrom != "" {
		rest += ", for " + judgedFor(r)
	}
	if r.Summary.Suppressed > 0 {
		rest = Count(r.Summary.Suppressed, "finding") + " suppressed"
	}
	if n := len(r.Opaque); n > 0 {
		o := &r.Opaque[0]
		rest = fmt.Sprintf("%d not judged: %s, %s", n, Line(o.What), t.path(place(o.Path, o.Line, o.Column)))
		if n > 1 {
			rest += fmt.Sprintf(" and %d more (-v shows them)", n-1)
		}
	}
	doubt := slices.DeleteFunc(runners(r), func(by *onward.Runner) bool { return !by.Assumed && by.Proof == nil })
	if len(doubt) == 0 {
		t.line(t.paint(t.Dim, shorten(rest, t.width)))
		return
	}
	t.wrap("", "", rest+"; "+runnerWords(doubt[0], t.path), t.Dim)
}

// title says what is reported on.
func (t *terminal) title() string {
	if title := revisions(t.report); title != "" {
		return title
	}
	return Count(len(t.report.Migrations), noun(t.report))
}

// subtitle says how much there is, of which framework, where, and for whom.
func (t *terminal) subtitle() string {
	r := t.report
	var parts []string
	if revisions(r) != "" {
		parts = append(parts, Count(len(r.Migrations), "migration"))
	}
	if by := runBy(r, Line, t.path); by != "" {
		parts = append(parts, by)
	}
	return strings.Join(append(parts, judgedFor(r)), " · ")
}

// migration prints one migration: its changes, statements and findings.
func (t *terminal) migration(m *onward.Migration) {
	right := transactionWords(m)
	if m.Status != "" && m.Status != onward.StatusNew {
		right = Line(string(m.Status)) + " · " + right
	}
	t.split(t.path(m.Path), right, t.Bold, t.Dim)
	t.changes(m.Changes)
	findings, opaque := t.index.of(m), t.index.opaqueIn(m)
	t.statements(m, findings, opaque)
	t.repeated(m, false)
	if len(findings)+len(t.index.also[m.Path]) == 0 {
		// What could not be read is said below, and is not ok.
		if !slices.ContainsFunc(opaque, func(o *onward.Opaque) bool { return o.Failed }) {
			t.line("  ", t.paint(t.OK, "ok"))
		}
	}
	for _, o := range opaque {
		t.opaque("not judged: ", o)
	}
	for _, f := range findings {
		t.finding(f)
	}
	t.repeated(m, true)
}

// maxChanges bounds the changes that are printed for one migration.
const maxChanges = 20

func (t *terminal) changes(changes []onward.Change) {
	width := 7
	for _, c := range changes {
		width = min(max(width, columns(Line(c.Object))), 24)
	}
	for i, c := range changes {
		if i == maxChanges && !t.verbose {
			t.line("  ", t.paint(t.Dim, fmt.Sprintf("and %d more changes (-v shows them)", len(changes)-i)))
			return
		}
		sign := "~"
		switch c.Kind {
		case "add":
			sign = "+"
		case "drop":
			sign = "-"
		}
		text := Line(c.Text)
		if c.New && !strings.HasPrefix(text, "new ") {
			text += " (new)"
		}
		object := Line(c.Object)
		if columns(object) > width {
			t.wrap("  ", "  ", object, t.Palette.plain())
			object = ""
		}
		head := "  " + pad(object, width) + "  " + sign + " "
		t.wrap(head, strings.Repeat(" ", width+6), text, t.Palette.plain())
	}
}

// opaque prints what could not be judged.
func (t *terminal) opaque(label string, o *onward.Opaque) {
	style := t.Dim
	if o.Failed {
		style = t.Warning
	}
	t.wrap("  ", "    ", label+t.path(place(o.Path, o.Line, o.Column))+": "+sentence(o), style)
}

// ending is the summary: counts, verdict, and what to run next.
func (t *terminal) ending() {
	r := t.report
	t.wrap("", "", counts(r), t.Palette.plain())
	t.wrap("", "", verdict(r), t.verdictStyle())
	if len(r.Summary.Next) > 0 {
		next := make([]string, len(r.Summary.Next))
		for i, n := range r.Summary.Next {
			next[i] = Line(n)
		}
		if text := strings.Join(next, "   or   "); len(text) <= t.width-6 {
			t.line(t.paint(t.Dim, "next: "), text)
			return
		}
		for i, n := range next {
			head := "      "
			if i == 0 {
				head = "next: "
			}
			t.line(t.paint(t.Dim, head), n)
		}
	}
}
