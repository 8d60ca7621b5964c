package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/onward"
)

// maxPlanSize bounds the file of a plan.
const maxPlanSize = 64 << 20

// planFamily is the schema in a plan's file without its version number.
var planFamily = strings.TrimRight(onward.PlanSchema, "0123456789")

// makePlanFile is the command that makes the file of a plan.
const makePlanFile = "onward plan --format json --output plan.json"

// readPlan reads the file of a plan. For another kind of file, the error says what it is.
func readPlan(name string) (*onward.Plan, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &nextError{newUsageError("%s: there is no such file", name), "onward plan --format json --output " + escape.QuoteShell(name)}
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxPlanSize))
	if err != nil {
		return nil, err
	}
	refuse := func(problem string) error {
		return &nextError{&config.InputError{Err: fmt.Errorf("%s %s, and not a plan. Make one, and name its file with --plan", name, problem)}, makePlanFile}
	}
	var head struct {
		Schema string `json:"schema"`
	}
	switch err := json.Unmarshal(text, &head); {
	case len(strings.TrimSpace(string(text))) == 0:
		return nil, refuse("is empty")
	case err != nil && !json.Valid(text):
		return nil, refuse("is not JSON (" + err.Error() + ")")
	case err != nil:
		return nil, refuse("is JSON of something else")
	case head.Schema != onward.PlanSchema && strings.HasPrefix(head.Schema, planFamily):
		return nil, &nextError{&config.InputError{Err: fmt.Errorf("%s is a plan of another release of onward: it says %q, and this release reads %q. "+
			"Make it again", name, head.Schema, onward.PlanSchema)}, makePlanFile}
	case head.Schema != onward.PlanSchema:
		return nil, refuse(describeFile(head.Schema))
	}
	var p onward.Plan
	if err := json.Unmarshal(text, &p); err != nil {
		return nil, refuse(fmt.Sprintf("says %q but does not fit (%v)", head.Schema, err))
	}
	return &p, nil
}

// describeFile says what a file is, by its schema.
func describeFile(schema string) string {
	commands := map[string]string{
		onward.ReportSchema:    "is the report of onward changelog, check or rehearse",
		onward.AppliedSchema:   "is what onward apply or status printed",
		onward.PreflightSchema: "is what onward preflight printed",
		onward.StatsSchema:     "is what onward stats printed",
		onward.RolloutSchema:   "is what onward guard --targets printed",
		onward.GuardedSchema:   "is what onward guard printed",
		onward.NoticeSchema:    "is a notice to a webhook",
	}
	switch description, known := commands[schema]; {
	case known:
		return fmt.Sprintf("%s (%q)", description, schema)
	case schema != "":
		return fmt.Sprintf("says that it is %q", schema)
	}
	return "is JSON of something else"
}
