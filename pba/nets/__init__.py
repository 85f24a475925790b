"""The Keras networks: built, trained, exported. TensorFlow is imported inside calls only."""
