package config

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// decodeRate returns a number of rows a second: "2200/s".
func (d *decoder) decodeRate(n *yaml.Node) int64 {
	before := len(d.errs)
	text := d.decodeText(n)
	number, suffixed := strings.CutSuffix(text, "/s")
	rate, err := strconv.ParseInt(number, 10, 64)
	if len(d.errs) == before && (!suffixed || err != nil || rate < 1 || rate > 1e9) {
		d.addError(n, "%q is no rate of rows: write 2200/s", text)
		return 0
	}
	return rate
}
