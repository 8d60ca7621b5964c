package adapter

import (
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// numbers generates names of further migrations that continue the existing ones. After V7__users.sql the next name is V8__SLUG.
type numbers struct {
	// before is the text before the number ("V"), last the last number ("7"), between the text after it ("__").
	before, last, between string
	// layout is the time layout of last if it has separators, "" if last is only digits.
	// after is a number that follows such a time.
	layout, after string
	now           time.Time
}

var (
	numbered = lazyregexp.New(`^(Migration|[A-Za-z]?)(\d+)([-_.]+)`)
	// parts matches a name with more than one number: a date, a version of several parts.
	parts = lazyregexp.New(`^[A-Za-z]?\d+[-._]\d+(?:[-._]|$)`)
	// moments matches a time with separators, perhaps with a number after it.
	moments = lazyregexp.New(`^(\d{4}-\d{2}-\d{2}-\d{6})(-\d{4})?_`)
)

// NewWriting starts to write migrations that follow the ones in a set. Names with a time in
// them begin at now, or right after the last one if that is later.
//
// Errors: the numbering of the existing names is not understood.
func NewWriting(t Tree, set *Set, form *Form, now time.Time) (Writing, error) {
	s := set.Source
	w := &sqlWriting{form: *form, source: s.Dir, dir: s.Dir, names: &numbers{now: now.UTC()}}
	if o := s.Options.Transaction; o != "" {
		w.form.Transaction = o
		if o == "file" {
			w.form.Lone, w.form.HeadAlone, w.form.Settings = false, "", ""
		}
	}
	for _, m := range set.Migrations {
		entryPath := m.Path
		if strings.HasPrefix(form.Up, "/") {
			entryPath = path.Dir(entryPath)
		}
		name := path.Base(entryPath)
		if w.names.recordTime(name, form.Moments) {
			w.dir = strings.TrimSuffix(strings.TrimSuffix(entryPath, name), "/")
			continue
		}
		m := numbered.FindStringSubmatch(name)
		if m != nil && form.Between != "" && parts.MatchString(name) {
			return nil, fmt.Errorf("%s has a version of several parts: how they go on is not known", entryPath)
		}
		if m == nil || parts.MatchString(name) || form.Between != "" && !strings.HasPrefix(m[3], form.Between) {
			continue // a repeatable one, or one with another numbering
		}
		if form.Program != nil && m[3] == "." { // a name that is only a number, before its ending
			m[3] = "_"
		}
		if n := w.names; n.last == "" || CompareNatural(m[2], n.last) > 0 {
			n.before, n.last, n.between, n.layout, n.after = m[1], m[2], m[3], "", ""
			w.dir = strings.TrimSuffix(strings.TrimSuffix(entryPath, name), "/")
		}
	}
	// Files that are no migrations count as well, such as a down file without its up file.
	for _, rest := range FilesBelow(t, w.dir) {
		name, _, _ := strings.Cut(rest, "/")
		if m := numbered.FindStringSubmatch(name); m != nil && m[1] == w.names.before && len(m[2]) == len(w.names.last) && m[2] > w.names.last {
			w.names.last = m[2]
		}
	}
	if n := w.names; form.Moments != "" && len(n.last) == 14 && !isTime("20060102150405", n.last) {
		n.layout, n.between = form.Moments, "_" // the tool's own layout
	}
	if err := w.names.checkNumbering(s.Dir); err != nil {
		return nil, err
	}
	if form.Settings != "" || form.Program != nil { // a migration without a transaction has two files, or is no SQL
		return struct{ Writing }{w}, nil
	}
	return w, nil
}

// checkNumbering returns an error if the numbering of the existing names cannot be continued.
func (n *numbers) checkNumbering(dir string) error {
	switch {
	case n.layout != "":
	case n.last == "":
		return fmt.Errorf("the names in %s do not show how to continue: none begins with a number", dirOrDot(dir))
	case len(n.last) == 8 && isTime("20060102", n.last):
		return fmt.Errorf("the names in %s begin with days, and a plan has several migrations: the order of those is not known", dirOrDot(dir))
	}
	return nil
}

// recordTime records a name that begins with a time in a layout, if it is the last so far.
func (n *numbers) recordTime(name, layout string) bool {
	m := moments.FindStringSubmatch(name)
	if layout == "" || m == nil || !isTime(layout, m[1]) {
		return false
	}
	digits := strings.NewReplacer("-", "")
	if digits.Replace(m[1]) >= digits.Replace(n.last) {
		n.layout, n.before, n.last, n.between, n.after = layout, "", m[1], "_", m[2]
	}
	return true
}

func isTime(layout, s string) bool {
	parsedTime, err := time.Parse(layout, s)
	return err == nil && parsedTime.Year() > 2000 && parsedTime.Year() < 2200
}

// nextName returns the name of the next migration, without its extension.
func (n *numbers) nextName(slug string, f *Form) (string, error) {
	var next string
	switch {
	case n.layout != "":
		next = n.nextTime(n.layout, time.Second)
	case len(n.last) == 14 && isTime("20060102150405", n.last):
		next = n.nextTime("20060102150405", time.Second)
	case len(n.last) == 12 && isTime("200601021504", n.last):
		next = n.nextTime("200601021504", time.Minute)
	case len(n.last) == 10 && n.last[0] >= '1' && n.last[0] < '9' || len(n.last) == 13:
		// Seconds or milliseconds since 1970.
		epoch := fmt.Sprint(n.now.Unix())
		if len(n.last) == 13 {
			epoch = fmt.Sprint(n.now.UnixMilli())
		}
		next = max(incrementDigits(n.last), epoch)
	default:
		next = incrementDigits(n.last)
	}
	if f.Texts && n.layout == "" && len(next) > len(n.last) {
		return "", fmt.Errorf("after %s there is no number that %s sorts last: it sorts names as texts", n.last, f.Name)
	}
	n.last = next
	return n.before + next + n.after + n.between + slug, nil
}

// nextTime returns now, or the time right after the last one if that is later.
func (n *numbers) nextTime(layout string, step time.Duration) string {
	last, _ := time.Parse(layout, n.last)
	return max(last.Add(step).Format(layout), n.now.Format(layout))
}

// incrementDigits adds one to a number and keeps its width.
func incrementDigits(digits string) string {
	out := []byte(digits)
	for i := len(out) - 1; i >= 0; i-- {
		if out[i] != '9' {
			out[i]++
			return string(out)
		}
		out[i] = '0'
	}
	return "1" + string(out)
}
