package cli

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/notify"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

// deprecations are the flags that list deprecated columns instead of verifying a release.
type deprecations struct {
	list   bool
	notify string
}

func (f *deprecations) addDeprecationFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&f.list, "deprecations", false, "only list the deprecated columns of the deployed schema, and who still uses them by the recordings")
	flags.StringVar(&f.notify, "notify", "", "with --deprecations: `address` of a webhook that gets a message for each column whose last day is near or over; "+
		"@FILE or env:NAME that hold it")
}

// listDeprecations prints the deprecated columns and their users, and sends the notices.
func (a *app) listDeprecations(cmd *cobra.Command, f *verifyFlags) error {
	format, options, err := a.outputOptions(report.FormatTerminal, report.FormatJSON)
	if err != nil {
		return err
	}
	if len(f.fresh) > 0 || len(f.also) > 0 || f.from != "" || f.server != "" || f.html != "" {
		return newUsageError("--deprecations reads the deployed schema and recordings of the deployed code: " +
			"leave out --workload-head, --also, --from, --postgres and --html")
	}
	c, err := a.releaseConfig(cmd.Context(), &f.releaseFlags)
	if err != nil {
		return err
	}
	webhook, err := a.readWebhook(f.notify)
	if err != nil {
		return err
	}
	list, recorded, err := audit.Deprecations(cmd.Context(), c)
	if err != nil {
		return err
	}
	if !recorded && len(list) > 0 {
		a.printNote("nothing says who uses these columns: name recordings with --workload")
	}
	if err := a.writeResult(func(w io.Writer) error { return report.WriteDeprecations(w, list, format, options) }); err != nil {
		return err
	}
	a.sendSunsets(cmd, webhook, list)
	return nil
}

// readWebhook reads and checks the address of a webhook; "" for none.
func (a *app) readWebhook(flag string) (string, error) {
	if flag == "" {
		return "", nil
	}
	url, err := a.readSecret("the webhook's address", flag)
	if err != nil {
		return "", err
	}
	if err := notify.Check(url); err != nil {
		return "", newUsageError("--notify %v", err)
	}
	return url, nil
}

// sendSunsets sends a notice for each column whose last day is near or over. A webhook that fails is reported once.
func (a *app) sendSunsets(cmd *cobra.Command, webhook string, list []onward.DeprecatedColumn) {
	if webhook == "" {
		return
	}
	for i := range list {
		d := &list[i]
		n := onward.Notice{Schema: onward.NoticeSchema, At: time.Now().UTC().Truncate(time.Millisecond), Command: cmd.CommandPath(), Column: d}
		switch {
		case d.Past:
			n.Outcome = onward.NoticeSunsetPast
		case d.Near:
			n.Outcome = onward.NoticeSunsetNear
		default:
			continue
		}
		n.Why = view.DescribeSunset(d)
		if err := notify.Post(context.WithoutCancel(cmd.Context()), webhook, &n); err != nil {
			a.printNote("the webhook of --notify got no message: %v", err)
			return
		}
	}
}
