package cli

import (
	"errors"
	"slices"

	"github.com/spf13/pflag"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/verify"
)

// codeFlags are the flags that name versions of the code, beside the deployed one.
type codeFlags struct {
	fresh, also []string
	identity    string
	showValues  bool
}

func (f *codeFlags) addCodeFlags(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.fresh, "workload-head", nil, "`file` with what the new code sends; repeatable")
	flags.StringArrayVar(&f.also, "also", nil, "a further `revision` whose code runs during the release, such as the release before the deployed one; "+
		"NAME=FILE for a recording of it; repeatable")
	flags.StringVar(&f.identity, "values-identity", "", "for a replay: `file` with the age key of an encrypted transcript")
	flags.BoolVar(&f.showValues, "show-values", false, "for a replay: print the values of the queries that break")
}

// readCodes reads the recordings of all versions of the code, and for a replay their transcripts.
func (f *codeFlags) readCodes(c *verify.Config, deployed []string, replay bool) (err error) {
	c.ShowValues = f.showValues
	read := func(code onward.Code, files []string) ([]*workload.Workload, error) {
		loads, err := readWorkloads(files)
		if err == nil && replay {
			err = f.addTranscripts(c, code, files, loads)
		}
		return loads, err
	}
	if c.Old, err = read(onward.OldCode, deployed); err != nil {
		return err
	}
	if c.New, err = read(onward.NewCode, f.fresh); err != nil {
		return err
	}
	if c.Also, err = readVersions(f.also, read); err != nil {
		return err
	}
	recorded := len(c.Old) > 0 || slices.ContainsFunc(c.Also, func(v verify.Version) bool { return len(v.Recorded) > 0 })
	if replay && len(c.Transcripts) == 0 && !recorded {
		return &config.InputError{Err: errors.New("nothing can be replayed: record the values, too (onward record --values), " +
			"and name the recording with --workload. A recording without values is executed with made ones")}
	}
	c.MadeValues = replay
	return nil
}

// checkReplay refuses flags that contradict each other.
func (f *verifyFlags) checkReplay() error {
	switch {
	case !f.replay && (f.identity != "" || f.showValues):
		return newUsageError("--values-identity and --show-values are for --replay")
	case f.replay && f.superuser:
		return newUsageError("--replay contradicts --superuser: no recorded statement is executed as a superuser")
	case f.replay && f.server != "":
		return newUsageError("--replay contradicts --postgres: recorded statements are executed on a throwaway server only")
	}
	return nil
}

// addTranscripts adds the transcripts that the recordings of a version name.
func (f *codeFlags) addTranscripts(c *verify.Config, code onward.Code, files []string, loads []*verify.Workload) error {
	for i, load := range loads {
		list, err := verify.ReadTranscripts(files[i], load, f.identity)
		if err != nil {
			return err
		}
		if c.Transcripts == nil {
			c.Transcripts = map[onward.Code][]*verify.Transcript{}
		}
		if len(list) > 0 {
			c.Transcripts[code] = append(c.Transcripts[code], list...)
		}
	}
	return nil
}
