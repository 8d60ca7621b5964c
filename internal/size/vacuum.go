package size

import (
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/onward"
)

// estimateVacuum estimates what autovacuum does while a step makes each row of a table dead once, within a time in
// milliseconds.
func (m *Model) estimateVacuum(name catalog.Name, t Table, ms int64) *onward.VacuumEstimate {
	v := &onward.VacuumEstimate{DeadRows: t.Rows}
	options := m.options[name.Qualified()]
	if m.settings["autovacuum"] == "off" || m.settings["track_counts"] == "off" || isFalse(options["autovacuum_enabled"]) {
		v.Off = true
		return v
	}
	setting := func(name string, value float64) float64 {
		if n, err := strconv.ParseFloat(options[name], 64); err == nil {
			return n
		}
		return m.numberSetting(name, value)
	}
	_, known := m.settings["autovacuum_vacuum_scale_factor"]
	v.Assumed = !known && options["autovacuum_vacuum_scale_factor"] == ""
	threshold := setting("autovacuum_vacuum_threshold", 50) + setting("autovacuum_vacuum_scale_factor", 0.2)*float64(t.Rows)
	if limit := setting("autovacuum_vacuum_max_threshold", -1); limit >= 0 { // from 18 on
		threshold = min(threshold, limit)
	}
	v.Threshold = int64(max(threshold, 1))
	if v.Runs = t.Rows / v.Threshold; v.Runs > 0 {
		part := float64(v.Threshold) / float64(t.Rows)
		v.FirstMS = int64(float64(ms) * part)
		v.ReadBytes = int64(float64(t.Heap)*part) + t.Index
	}
	return v
}

// isFalse reports whether a storage parameter is false, as Postgres reads it.
func isFalse(value string) bool {
	switch strings.ToLower(value) {
	case "false", "off", "no", "0", "f", "n":
		return true
	}
	return false
}

// units are those that the server's settings have, as numbers of bytes or seconds.
var units = []struct {
	suffix string
	factor float64
}{
	{" × 8kB", 8192}, {"TB", 1 << 40}, {"GB", 1 << 30}, {"MB", 1 << 20}, {"kB", 1 << 10}, {"B", 1}, {"ms", 1e-3}, {"min", 60}, {"s", 1}, {"", 1},
}

// numberSetting returns a setting of the server in bytes or seconds, or a value if it is not known.
func (m *Model) numberSetting(name string, value float64) float64 {
	text := m.settings[name]
	for _, u := range units {
		if number, found := strings.CutSuffix(text, u.suffix); found {
			if n, err := strconv.ParseFloat(strings.TrimSpace(number), 64); err == nil {
				return n * u.factor
			}
		}
	}
	return value
}
