const draw = () => put(element.querySelector(".pd-line"), props.value.text);

watch("value", draw);
draw();
