package html_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/reporttest"
	"github.com/onward-sql/onward/onward"
)

func TestGoldenHTML(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"rehearsal", "recorded", "clean", "hostile", "verified"} {
		page := reporttest.PrintReport(t, reporttest.ReadReport(t, name), report.FormatHTML, report.Options{})
		reporttest.CompareGolden(t, name+".html", reporttest.CutBody(t, page))
	}
}

// TestHTMLPolicy holds that the page allows itself its own style and script
// and nothing else, and that it needs nothing else.
func TestHTMLPolicy(t *testing.T) {
	t.Parallel()
	page := reporttest.PrintReport(t, reporttest.ReadReport(t, "rehearsal"), report.FormatHTML, report.Options{})
	for _, element := range []string{"style", "script"} {
		_, rest, _ := strings.Cut(page, "<"+element+">")
		text, _, found := strings.Cut(rest, "</"+element+">")
		sum := sha256.Sum256([]byte(text))
		if want := element + "-src &#39;sha256-" + htmlBase64(base64.StdEncoding.EncodeToString(sum[:])) + "&#39;"; !found || !strings.Contains(page, want) {
			t.Errorf("the policy does not have the hash of the %s: want %s", element, want)
		}
	}
	if !strings.Contains(page, "default-src &#39;none&#39;") {
		t.Error("the policy does not begin with nothing")
	}
	for _, bad := range []string{` style="`, ` on[a-z]+="`, `https?://`, `@import`, ` src="`, `url\([^#]`} {
		if match := regexp.MustCompile(bad).FindString(page); match != "" {
			t.Errorf("the page has %s", match)
		}
	}
}

// htmlBase64 is base64 as the template writes it into an attribute.
func htmlBase64(s string) string { return strings.ReplaceAll(s, "+", "&#43;") }

// TestHTMLHostile holds that no text becomes markup: whatever it is, the
// elements of the page are the same.
func TestHTMLHostile(t *testing.T) {
	t.Parallel()
	want := reporttest.ListElements(t, reporttest.PrintReport(t, reporttest.FillReport("name"), report.FormatHTML, report.Options{}))
	for _, s := range hostileNames {
		page := reporttest.PrintReport(t, reporttest.FillReport(s), report.FormatHTML, report.Options{})
		if diff := cmp.Diff(want, reporttest.ListElements(t, page)); diff != "" {
			t.Errorf("%q (-plain +hostile):\n%s", s, diff)
		}
		for _, c := range page {
			if c != '\n' && !unicode.IsPrint(c) {
				t.Errorf("%q: %q is printed raw", s, c)
			}
		}
	}
}

// hostileNames are names that want to be something else.
var hostileNames = []string{
	"<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, "</style><script>alert(1)</script>",
	"</title></svg><b>", "javascript:alert(1)", "{{.CSP}}", "&lt;b&gt;", "\u202egnp.exe", "a\x1b[31mb", "a\x00b", "\xff\xfe",
	"sixty_three_bytes_are_the_most_that_a_name_has_in_any_postgres_1", "-->", "]]>", `\`, "`${alert(1)}`",
}

// TestHTMLNumbers holds that whatever the times are, everything drawn is
// within the axis and can be seen.
func TestHTMLNumbers(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*onward.Report{
		"long beside short": timed(0.01, 0.01, 100_000, 0.02),
		"no time at all":    timed(0, 0, 0),
		"backwards":         timed(5, -100, 7),
		"days":              timed(1, 4e8, 1),
		"one":               timed(12),
		"none":              timed(),
		"wild":              wild(),
	} {
		page := reporttest.CutBody(t, reporttest.PrintReport(t, r, report.FormatHTML, report.Options{}))
		if strings.Contains(page, "NaN") || strings.Contains(page, "Inf") {
			t.Errorf("%s: not a number", name)
		}
		for _, m := range regexp.MustCompile(` (x|x1|x2|width|height|y)="(-?[0-9.e+]+)(%?)"`).FindAllStringSubmatch(page, -1) {
			v, err := strconv.ParseFloat(m[2], 64)
			if err != nil || v < 0 || m[3] == "%" && v > 100 || m[1] == "width" && m[3] == "%" && v < 0.2 {
				t.Errorf("%s: drawn at%s", name, m[0])
			}
		}
		for _, m := range regexp.MustCompile(` x="([0-9.]+)%" width="([0-9.]+)%"`).FindAllStringSubmatch(page, -1) {
			x, _ := strconv.ParseFloat(m[1], 64)
			w, _ := strconv.ParseFloat(m[2], 64)
			if x+w > 100.01 {
				t.Errorf("%s: drawn beyond the axis:%s", name, m[0])
			}
		}
		for _, o := range []report.Options{{}, {Width: 60, Verbose: true}} {
			reporttest.PrintReport(t, r, report.FormatTerminal, o)
		}
		reporttest.PrintReport(t, r, report.FormatMarkdown, report.Options{})
	}
}

// TestHTMLMany holds that a large release stays a page that can be read: the
// relations that nobody waits for are folded, and every statement is there.
func TestHTMLMany(t *testing.T) {
	t.Parallel()
	page := reporttest.PrintReport(t, many(60, 200, 80), report.FormatHTML, report.Options{})
	if n := strings.Count(page, `class="lane-group"`); n != 24 {
		t.Errorf("%d lanes, not 24", n)
	}
	if !strings.Contains(page, "56 more relations, none blocks anyone") {
		t.Error("the other lanes are not counted")
	}
	for _, id := range []string{`id="s1"`, `id="s200"`, `id="d200"`, `id="m60"`} {
		if strings.Count(page, id) != 1 {
			t.Errorf("%s is not there once", id)
		}
	}
	if len(page) > 2<<20 {
		t.Errorf("%d bytes", len(page))
	}
	out := reporttest.PrintReport(t, many(60, 200, 80), report.FormatTerminal, report.Options{})
	if !strings.Contains(out, "68 more relations, none blocks anyone") {
		t.Errorf("the terminal does not fold:\n%s", out)
	}
}

// TestHTMLContrast checks every colour of text on each of its backgrounds, light and
// dark: 4.5 to 1, as WCAG 2 requires.
func TestHTMLContrast(t *testing.T) {
	t.Parallel()
	page := reporttest.PrintReport(t, reporttest.ReadReport(t, "clean"), report.FormatHTML, report.Options{})
	blocks := regexp.MustCompile(`:root\{([^}]*)\}`).FindAllStringSubmatch(page, -1)
	if len(blocks) < 2 {
		t.Fatal("no custom properties")
	}
	colors := map[string]string{}
	for i, scheme := range []string{"light", "dark"} {
		for _, m := range regexp.MustCompile(`--([a-z-]+):(#[0-9a-f]{3,6})`).FindAllStringSubmatch(blocks[i][1], -1) {
			colors[m[1]] = m[2]
		}
		for text, grounds := range map[string][]string{
			"fg":         {"bg", "soft", "lit", "nobody"},
			"dim":        {"bg", "soft", "lit"},
			"reads-ink":  {"bg", "lit", "soft"},
			"writes-ink": {"bg", "lit", "soft", "writes-ground"},
			"ok":         {"bg", "lit"},
			"on-reads":   {"reads"},
		} {
			for _, ground := range grounds {
				if c := contrast(t, colors[text], colors[ground]); c < 4.5 {
					t.Errorf("%s: --%s on --%s has a contrast of %.2f", scheme, text, ground, c)
				}
			}
		}
		// The bands of the stalls lie under text as a tint.
		for _, band := range []struct {
			color   string
			opacity float64
		}{{"reads", 0.09}, {"writes", 0.13}} {
			if want := fmt.Sprintf(".band%s rect{fill:var(--%s);fill-opacity:%s", map[string]string{
				"reads":  "",
				"writes": ".writes",
			}[band.color], band.color, strings.TrimPrefix(fmt.Sprint(band.opacity), "0")); !strings.Contains(page, want) {
				t.Fatalf("the page has no %s", want)
			}
			for _, text := range []string{"fg", "dim", "reads-ink", "writes-ink"} {
				if c := contrast(t, colors[text], mix(t, colors[band.color], colors["bg"], band.opacity)); c < 4.5 {
					t.Errorf("%s: --%s on the band of %s has a contrast of %.2f", scheme, text, band.color, c)
				}
			}
		}
		for _, graphic := range []string{"reads", "writes", "nobody-edge", "focus"} {
			if c := contrast(t, colors[graphic], colors["bg"]); c < 3 {
				t.Errorf("%s: --%s on --bg has a contrast of %.2f", scheme, graphic, c)
			}
		}
	}
}

// mix lays a colour over another one.
func mix(t *testing.T, foreground, background string, opacity float64) string {
	t.Helper()
	out := "#"
	for i := 0; i < 3; i++ {
		channel := func(hex string) float64 {
			hex = strings.TrimPrefix(hex, "#")
			if len(hex) == 3 {
				hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
			}
			v, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
			if err != nil {
				t.Fatal(err)
			}
			return float64(v)
		}
		out += fmt.Sprintf("%02x", int(math.Round(channel(foreground)*opacity+channel(background)*(1-opacity))))
	}
	return out
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	hex = strings.TrimPrefix(hex, "#")
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	v, err := strconv.ParseUint(hex, 16, 32)
	if err != nil || len(hex) != 6 {
		t.Fatalf("no colour: %q", hex)
	}
	channel := func(shift uint) float64 {
		c := float64(v>>shift&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*channel(16) + 0.7152*channel(8) + 0.0722*channel(0)
}

// timed is a rehearsal of statements that took some times, one after another,
// each with an exclusive lock.
func timed(ms ...float64) *onward.Report {
	r := many(1, len(ms), 1)
	run := &r.Rehearsals[0]
	now := 0.0
	for i := range run.Statements {
		s := &run.Statements[i]
		s.FromMS, s.UntilMS = now, now+ms[i]
		s.Observed = []onward.Observed{{
			Relation: "public.t",
			Lock:     onward.AccessExclusiveLock,
			Work:     onward.Rewrite,
			Blocks:   []string{"read", "write"},
			FromMS:   now,
			UntilMS:  now + ms[i],
			HeldMS:   ms[i] / 2,
			WaitedMS: ms[i] / 2,
		}}
		now += ms[i]
	}
	run.DurationMS = now
	return r
}

// wild is a rehearsal whose indexes name nothing.
func wild() *onward.Report {
	r := many(1, 2, 2)
	run := &r.Rehearsals[0]
	run.Statements[0].Migration, run.Statements[1].Statement = 17, -3
	run.Statements[0].FromMS, run.Statements[0].UntilMS = 1e300, 1e301
	run.Transactions = []onward.RehearsedTransaction{{Migration: -1, FromMS: -9, UntilMS: math.MaxFloat64}}
	run.Traffic = &onward.Traffic{
		SlotMS: -1,
		Slots:  []onward.TrafficSlot{{WorstMS: math.MaxFloat64}},
		Stalls: []onward.Stall{{Statement: 99, Relation: "nowhere"}, {Statement: -1}},
	}
	run.Differences = []onward.Difference{{Statement: -1}, {Statement: 99}}
	return r
}

// many is a rehearsed release of some migrations, statements and relations.
func many(migrations, statements, relations int) *onward.Report {
	r := &onward.Report{
		Schema:   onward.ReportSchema,
		Postgres: []int{17},
		Base:     "main",
		Head:     "head",
		Summary:  onward.Summary{Migrations: migrations, Statements: statements, Safe: true},
	}
	run := onward.Rehearsal{Postgres: 17, Version: "17.11", Traffic: &onward.Traffic{SlotMS: 50, Slots: make([]onward.TrafficSlot, 2000)}}
	for i := range migrations {
		r.Migrations = append(r.Migrations, onward.Migration{
			ID:          fmt.Sprint(i),
			Path:        fmt.Sprintf("db/%05d_step.sql", i),
			Framework:   "goose",
			Transaction: onward.TransactionFile,
		})
	}
	now := 0.0
	for i := range statements {
		m := i * migrations / statements
		mig := &r.Migrations[m]
		name := fmt.Sprintf("public.table_%d", i%relations)
		mig.Statements = append(mig.Statements, onward.Statement{SQL: "CREATE INDEX CONCURRENTLY ON " + name + " (id)", Line: len(mig.Statements) + 1})
		took := float64(i%7) * 40
		run.Statements = append(run.Statements, onward.RehearsedStatement{
			Migration: m, Statement: len(mig.Statements) - 1, FromMS: now, UntilMS: now + took,
			Observed: []onward.Observed{{Relation: name, Lock: onward.ShareUpdateExclusiveLock, Work: onward.IndexWork, FromMS: now, UntilMS: now + took, HeldMS: took}},
		})
		run.Transactions = append(run.Transactions, onward.RehearsedTransaction{Migration: m, FromMS: now, UntilMS: now + took})
		now += took
	}
	run.DurationMS = now
	r.Rehearsals = []onward.Rehearsal{run}
	return r
}

// longNames is a rehearsal in which every lane has much to say.
func longNames() *onward.Report {
	r := timed(4000, 61_000, 8000)
	run := &r.Rehearsals[0]
	name := "accounting." + strings.Repeat("w", 63)
	for i := range run.Statements {
		run.Statements[i].Observed[0].Relation = name
	}
	run.Statements[1].Observed[0].Blocks, run.Statements[1].Observed[0].Lock = []string{"write"}, onward.ShareLock
	run.Tables = []onward.RehearsedTable{{Relation: name, Rows: 123_456_789, Bytes: 9_876_543_210}}
	run.Traffic.Stalls = []onward.Stall{{Span: onward.Span{UntilMS: 4000}, Relation: name, Kind: "read and write", Queries: 12_345}}
	return r
}
