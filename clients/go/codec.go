package pba

import "google.golang.org/protobuf/proto"

// codec writes and reads messages. gRPC's own does the same, but not where it was built with a
// protobuf library from before 2020, as in Debian 12.
type codec struct{}

func (codec) Name() string { return "proto" }

func (codec) Marshal(message interface{}) ([]byte, error) {
	return proto.Marshal(message.(proto.Message))
}

func (codec) Unmarshal(data []byte, message interface{}) error {
	return proto.Unmarshal(data, message.(proto.Message))
}
