"""New labelled data, and the decision between the model in service and a new one."""
