package machine

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/onward"
)

// WriteServerDown prints the metrics for a server that cannot be reached.
func WriteServerDown(w io.Writer) error {
	p := &exposition{}
	p.addMetric("up", "Whether the database could be asked: 1, or 0.")
	p.addSample("up", 0)
	return p.writeMetrics(w)
}

// WritePreflightMetrics prints a preflight in the text format of Prometheus: the state of each
// check, each finding, and what was measured.
// https://prometheus.io/docs/instrumenting/exposition_formats/
func WritePreflightMetrics(w io.Writer, r *onward.Preflight) error {
	p := &exposition{}
	p.addMetric("up", "Whether the database could be asked: 1, or 0.")
	p.addSample("up", 1)
	if takenAt, err := time.Parse(time.RFC3339, r.Taken); err == nil {
		p.addMetric("taken_seconds", "When the server was asked, in seconds since 1970.")
		p.addSample("taken_seconds", float64(takenAt.Unix()))
	}
	p.addMetric("check", "The outcome of each check: 0 nothing, 1 a note, 2 a warning, 3 an error, -1 not all was seen.")
	for _, c := range r.Checks {
		p.addSample("check", map[onward.PreflightState]float64{
			onward.StateOpaque: -1, onward.StateInfo: 1, onward.StateWarning: 2, onward.StateError: 3,
		}[c.State], "check", c.Rule, "scope", string(c.Scope))
	}
	p.addMetric("finding", "Each finding, by its object: 1.")
	for _, f := range r.Findings {
		p.addSample("finding", 1, "check", f.Rule, "severity", f.Severity.String(), "object", f.Object)
	}
	for _, c := range r.Checks {
		if c.Metric == "" || len(c.Measured) == 0 {
			continue
		}
		p.addMetric(c.Metric, c.Help)
		for _, m := range c.Measured {
			p.addSample(c.Metric, m.Value, "object", m.Object)
		}
	}
	return p.writeMetrics(w)
}

// exposition collects samples. It skips a series that it already has, because Prometheus
// refuses a text with duplicates.
type exposition struct {
	b    strings.Builder
	seen map[string]bool
}

const metricPrefix = "onward_preflight_"

func (p *exposition) addMetric(name, help string) {
	fmt.Fprintf(&p.b, "# HELP %s%s %s\n# TYPE %s%s gauge\n", metricPrefix, name, helpEscapes.Replace(help), metricPrefix, name)
}

// addSample adds a value; labels are names and values in turn.
func (p *exposition) addSample(name string, value float64, labels ...string) {
	series := metricPrefix + name
	for i := 0; i < len(labels); i += 2 {
		series += string("{,"[min(i, 1)]) + labels[i] + `="` + labelEscapes.Replace(escape.Controls(labels[i+1])) + `"`
	}
	if len(labels) > 0 {
		series += "}"
	}
	if p.seen[series] {
		return
	}
	if p.seen == nil {
		p.seen = map[string]bool{}
	}
	p.seen[series] = true
	p.b.WriteString(series + " " + strconv.FormatFloat(value, 'f', -1, 64) + "\n")
}

func (p *exposition) writeMetrics(w io.Writer) error {
	_, err := io.WriteString(w, p.b.String())
	return err
}

var (
	helpEscapes  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	labelEscapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)
