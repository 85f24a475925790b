package pba

import (
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// Error is what the service says of a call that it refuses: the rule, the value received, and the
// remedy. status.FromError reads it too.
type Error struct {
	// Code is the kind of the error, such as invalid_sample; docs/http.md lists the kinds.
	Code string
	// Field is the part of the request that is wrong; empty if none is the cause alone.
	Field string

	status *status.Status
}

// Error returns the message.
func (err *Error) Error() string {
	if err.Field == "" {
		return err.Code + ": " + err.status.Message()
	}
	return err.Code + " (" + err.Field + "): " + err.status.Message()
}

// GRPCStatus returns the status of the call.
func (err *Error) GRPCStatus() *status.Status {
	return err.status
}

// errorOf returns err as an Error if the service sent it, else as it is.
func errorOf(err error, trailer metadata.MD) error {
	codes := trailer.Get("pba-error-code")
	state, known := status.FromError(err)
	if len(codes) == 0 || !known {
		return err
	}
	fields := append(trailer.Get("pba-error-field"), "")
	return &Error{Code: codes[0], Field: fields[0], status: state}
}
