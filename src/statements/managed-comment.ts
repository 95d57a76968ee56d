/**
 * The comment that marks an index or constraint as made from a model's settings. At the next rebuild those follow the
 * model; what people added themselves is carried over as it is.
 */
export const managedComment = "made by aquifer from the model";
