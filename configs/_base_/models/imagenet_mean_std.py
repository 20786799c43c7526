# Mean and std of ImageNet's training images, RGB from 0 to 255: the input that ImageNet weights expect.
model = dict(data_preprocessor=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]))
