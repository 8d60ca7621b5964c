package django

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// answerRequest returns the renderer's answer, decoded and as it is: from the cache, or else from Python.
func answerRequest(ctx context.Context, cfg Config) (*Project, []byte, error) {
	cfg, python, err := cfg.prepareConfig()
	if err != nil {
		return nil, nil, err
	}
	if cfg.revision != nil {
		cfg.revision.findLocalSettings(cfg)
	}
	store, key := openCache(ctx, cfg, python)
	if answer, ok := store.readAnswer(key); ok {
		if project, err := decodeAnswer(answer, python); err == nil || isPermanent(err) {
			return project, answer, explainError(err, cfg)
		}
	}
	if cfg.revision != nil {
		if cfg, err = cfg.revision.unpackRevision(ctx, cfg); err != nil {
			return nil, nil, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, cfg.pythonTimeout())
	defer cancel()
	trimBytecode(cfg.bytecodeDir())
	answer, died, err := runWithRetry(ctx, cfg, python)
	if err != nil {
		return nil, nil, err
	}
	project, err := decodeAnswer(answer, python)
	if err == nil || isPermanent(err) {
		store.storeAnswer(key, answer)
	}
	if err != nil {
		return nil, nil, explainError(err, cfg)
	}
	if died != nil {
		project.Notes = append(project.Notes, died.Message+"; started again, it did its work")
	}
	return project, answer, nil
}

// isPermanent reports whether a failure should be cached: a base that cannot be loaded would cost seconds on every run.
func isPermanent(err error) bool {
	failed, ok := errors.AsType[*Error](err)
	return ok && failed.Lasting
}

// runWithRetry runs Python again if a signal ended it: a crash of the interpreter or of a library is often random. died
// is the error of the first run.
func runWithRetry(ctx context.Context, cfg Config, python string) (answer []byte, died *Error, err error) {
	answer, err = runPython(ctx, cfg, python)
	if !errors.As(err, &died) || died.Kind != "signal" || ctx.Err() != nil {
		return answer, nil, err
	}
	answer, err = runPython(ctx, cfg, python)
	var retryErr *Error
	if errors.As(err, &retryErr) && retryErr.Kind == "signal" {
		retryErr.Message += ", and so it did when it was started again"
	}
	return answer, died, err
}

// decodeAnswer reads an answer. Failures of the project come back as *Error.
func decodeAnswer(answer []byte, python string) (*Project, error) {
	var out struct {
		Project
		Error *struct {
			Kind, Message, Traceback, Missing, Python string
			Lasting                                   bool
		} `json:"error"`
	}
	if err := json.Unmarshal(answer, &out); err != nil {
		return nil, fmt.Errorf("read the renderer's answer: %w", err)
	}
	if e := out.Error; e != nil {
		return nil, &Error{Kind: e.Kind, Message: e.Message, Python: python, Detail: e.Traceback, Missing: e.Missing, Lasting: e.Lasting, Version: e.Python}
	}
	return &out.Project, nil
}
